"""Who we say we are, and who else we are when that was refused."""

import asyncio
from collections.abc import Mapping

from ..api.connect import Credentials
from ..api.errors import UsageError


class Account:
    """Credentials that many requests use at once: only one of them refreshes."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials
        self._refreshing = asyncio.Lock()

    def describe(self) -> str:
        """Where they come from; empty for none."""
        return self._credentials.describe() if self._credentials else ""

    async def header(self) -> str | None:
        """The value of `Authorization`."""
        return await self._credentials.header() if self._credentials else None

    async def another(self, refused: str | None) -> str | None:
        """Another value than the one that was refused; None when there is none.

        Of several requests that were refused together the first refreshes for all.
        """
        if self._credentials is None:
            return None
        async with self._refreshing:
            known = await self._credentials.header()
            if known is None or known == refused:
                known = await self._credentials.header(refresh=True)
        return None if known == refused else known


def check_headers(headers: Mapping[str, str], where: str) -> None:
    """Refuse values that cannot be sent.

    What httpx and h11 would say of such a value has the value in it, and it could be a secret.
    """
    for name, value in headers.items():
        if not value.isascii() or not value.isprintable():
            raise UsageError(
                f"what should be sent as {name} holds characters that no header can carry",
                where=where,
                way_out="Look for a line break or a letter outside of ASCII in it",
            )
