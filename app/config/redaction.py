"""What must not leave: values of keys that are called like secrets, and secrets held in memory.

Names of keys are read as words, so that `pad_token` or `max_tokens` of a model stay what they are.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence

MASK = "***"
SHORTEST = 4
"""Letters of a secret that is looked for in other texts: a shorter one would blot out prose."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_ALWAYS = {
    "password", "passwd", "passphrase", "passcode", "pwd", "secret", "secrets", "credential",
    "credentials", "apikey", "apitoken", "accesskey", "secretkey", "privatekey", "authtoken",
    "bearer", "authorization",
}  # fmt: skip
_KEYS_OF = {
    "access", "account", "api", "auth", "encryption", "private", "secret", "signing", "storage",
}  # fmt: skip
_TOKENS_OF = {
    "bos", "class", "cls", "decoder", "end", "eos", "first", "forced", "image", "last", "mask",
    "max", "min", "n", "next", "num", "pad", "per", "prefix", "sep", "special", "start", "stop",
    "unk",
}  # fmt: skip
"""What stands before `token` where it is one of a text, not one of a door."""

_FOLDERS = {"PWD", "OLDPWD"}
"""Variables in which a shell keeps where one is, and no password."""

_USERINFO = re.compile(r"(?<=://)[^/?#@\s]*@")
_AUTHORIZATION = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE)
_PAIR = re.compile(r"""([A-Za-z][\w.-]*)(["']?\s*[=:]\s*["']?)([^\s"'&;,)}\]]+)""")

_held: set[str] = set()


def hold(secret: str) -> None:
    """Look for this secret in whatever is redacted from now on."""
    if len(secret) >= SHORTEST:
        _held.add(secret)


def names_secret(name: str) -> bool:
    """Whether a key of that name holds a secret, as far as its name says."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words:
        return False
    before = words[-2] if len(words) > 1 else ""
    return (
        not _ALWAYS.isdisjoint(words)
        or (words[-1] == "token" and not {before, words[0]} & _TOKENS_OF)
        or (words[-1] == "key" and before in _KEYS_OF)
    )


def masked_value(name: str, value: str) -> str:
    """The value of a tag or parameter as lists, exports and pictures show it."""
    if value and names_secret(name):
        return MASK
    return _USERINFO.sub(f"{MASK}@", value) if "://" in value else value


def masked_map(items: Mapping[str, str]) -> dict[str, str]:
    """Tags or parameters, each value as `masked_value` says."""
    return {name: masked_value(name, value) for name, value in items.items()}


def masked_side(name: str, values: Sequence[str | None]) -> list[str | None]:
    """Values side by side: masked ones that differ are told apart by a number."""
    order = {value: at for at, value in enumerate(dict.fromkeys(v for v in values if v), 1)}
    shown = {value: masked_value(name, value) for value in order}
    return [
        f"{MASK} {order[value]}"
        if value and shown[value] == MASK and len(order) > 1
        else shown.get(value, value)
        if value
        else value
        for value in values
    ]


def masked_word(word: str) -> str:
    """One word of a command line: `password=x` keeps its name alone."""
    name, sign, value = word.partition("=")
    return f"{name}={masked_value(name, value)}" if sign else word


def redact(text: str) -> str:
    """A report, a log line or a picture without the secrets that are known, or look like some.

    Known are those that were `hold`, and the values of environment variables that are called like
    secrets; each also as a URL, as XML and as base64 carry it. Userinfo of URLs, `Authorization`
    and the values of `password=...` go too.
    """
    for secret in sorted(_known(), key=len, reverse=True):
        text = text.replace(secret, MASK)
    text = _USERINFO.sub(f"{MASK}@", text)
    text = _AUTHORIZATION.sub(rf"\1 {MASK}", text)
    return _PAIR.sub(_pair, text)


def _pair(found: re.Match[str]) -> str:
    name, sign, value = found.groups()
    return f"{name}{sign}{MASK}" if value != MASK and names_secret(name) else found.group()


def _known() -> Iterator[str]:
    import base64
    import html
    from urllib.parse import quote

    named = (
        value for name, value in os.environ.items() if names_secret(name) and name not in _FOLDERS
    )
    for secret in {*_held, *(value for value in named if len(value) >= SHORTEST)}:
        data = secret.encode("utf-8", "surrogateescape")
        yield secret
        yield quote(data, safe="")
        yield html.escape(secret)
        yield base64.b64encode(data).decode()
