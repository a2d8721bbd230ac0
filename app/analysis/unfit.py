"""Data that no figure can be made of."""


class UnfitError(ValueError):
    """The data cannot be judged; the text says why, for people."""
