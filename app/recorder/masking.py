"""A command line as text, without what looks like a secret in it."""

import re
import shlex
from collections.abc import Sequence

MASK = "***"
_SECRET = re.compile(r"(pass(word|wd|phrase)?|token|key)$|secret|credential", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=://)[^/?#@\s]*@")


def masked(command: Sequence[str]) -> str:
    """The command line; the values of options that are called like secrets are masked."""
    words = []
    hide = False
    for word in command:
        name, sign, _ = word.partition("=")
        if hide and not word.startswith("-"):
            words.append(MASK)
        elif sign and _SECRET.search(name):
            words.append(f"{name}={MASK}")
        else:
            words.append(shlex.quote(_USERINFO.sub(f"{MASK}@", word)))
        hide = word.startswith("-") and not sign and bool(_SECRET.search(word))
    return " ".join(words)
