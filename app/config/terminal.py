"""What the environment says of the terminal."""

from collections.abc import Mapping

FEW = 16
MILLIONS = 1 << 24


def colours(environ: Mapping[str, str]) -> int:
    """How many colours the terminal has: 0 where none are wanted, 16, 256 or 16,777,216.

    As Rich reads the environment, which writes the colours.
    """
    if environ.get("NO_COLOR"):
        return 0
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return MILLIONS
    return 256 if environ.get("TERM", "").rpartition("-")[2] in ("256color", "kitty") else FEW
