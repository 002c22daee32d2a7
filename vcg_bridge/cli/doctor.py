"""`vcg doctor`."""


def doctor() -> None:
    """x"""
