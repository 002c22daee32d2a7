"""VCG Bridge: a click becomes a complete, animated game character."""

__version__ = "0.1.0"
