"""The training kit: art packs, networks, training, evaluation, export. Run from a checkout: `python -m training --help`."""
