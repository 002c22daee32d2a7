"""How good is a trained generator: figures, pictures and the page that `python -m training evaluate` writes."""
