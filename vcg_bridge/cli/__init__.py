"""`vcg`: the one command. `main.py` lists what it does."""
