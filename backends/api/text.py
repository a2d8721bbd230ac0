"""Text is kept exact inside: the one change made where it enters."""


def exact(text: str) -> str:
    """Return `text` with each lone surrogate as U+FFFD, the one thing UTF-8 cannot store."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
