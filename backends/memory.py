"""Memory that was needed for a while."""


def give_back() -> None:
    """Give what is free again back to the system: the C library of Linux keeps most of it.

    Where it cannot be asked to, nothing happens.
    """
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
