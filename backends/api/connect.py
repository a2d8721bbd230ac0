"""What an adapter is given to reach a server with, and what it registers.

An adapter is a function from a `Connection` to a backend, registered in the entry-point group
`modeldeck.backends` under the name that a context's slot gives as its `type`:

    [project.entry-points."modeldeck.backends"]
    mlflow = "modeldeck.backends.mlflow:connect"

It gives a `Registry` of its own (as the local one does), or a `Server`, which becomes one with the
records of the context. It must not speak to the server before it is asked something.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from .protocols import Registry, Server

GROUP = "modeldeck.backends"


class Credentials(Protocol):
    """Who we are to a server. Secrets are fetched when they are needed, and kept in memory only."""

    async def header(self, *, refresh: bool = False) -> str | None:
        """The value of `Authorization`, None for none; `refresh` after it was refused."""

    def describe(self) -> str:
        """Where they come from, in words, without the secret."""


class Trust(Struct, frozen=True, kw_only=True):
    """Whom to believe on the way. Files are PEM; `verify` False believes anybody."""

    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    proxy: str = ""
    verify: bool = True


class Limits(Struct, frozen=True, kw_only=True):
    """How long to wait and how much to take.

    `deadline` is for one try, by the wall clock, and `total` for all `tries` of a request together,
    both in seconds; `most` bytes of a body when decoded, `ratio` times its size on the wire.
    """

    deadline: float = 10.0
    total: float = 30.0
    tries: int = 4
    most: int = 32 << 20
    ratio: int = 100


class Connection(Struct, frozen=True, kw_only=True):
    """One slot of a context, ready to be opened.

    `url` has neither user nor password in it. `options` are the slot's own words for its adapter.
    `cache_folder` is where answers may be kept for when the server is away; None: nowhere.
    """

    context: str
    url: str
    options: Mapping[str, Any] = {}
    credentials: Credentials | None = None
    trust: Trust = Trust()
    limits: Limits = Limits()
    read_only: str = ""
    tool: str = "modeldeck"
    cache_folder: Path | None = None


Connect = Callable[[Connection], Registry | Server]
