"""`vcg bench`."""


def bench() -> None:
    """x"""
