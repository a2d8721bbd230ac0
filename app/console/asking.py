"""Asking for a secret while the console runs: a dialog, and nothing is kept but in memory."""

import asyncio
from typing import TYPE_CHECKING

from modeldeck.backends.api.errors import DeniedError

if TYPE_CHECKING:
    from modeldeck.app.config.contexts import Slot
    from modeldeck.app.config.secrets import Secret

    from .console import Console


class Asking:
    """Asks whoever sits at the console, one thing at a time."""

    def __init__(self) -> None:
        self.console: Console | None = None
        self._turn = asyncio.Lock()

    async def __call__(self, context: str, slot: "Slot") -> "Secret | None":
        """The secret of a context; None when nothing was said.

        DeniedError while there is no console: then one may be asked later.
        """
        async with self._turn:
            if self.console is None:
                raise DeniedError("nobody can be asked yet", where=context)
            return await self._ask(self.console, context, slot)

    async def _ask(self, console: "Console", context: str, slot: "Slot") -> "Secret | None":
        from .screens.login import LoginDialog

        answer: asyncio.Future[Secret | None] = asyncio.get_running_loop().create_future()
        dialog = LoginDialog(context, slot)

        def answered(secret: "Secret | None") -> None:
            if not answer.done():
                answer.set_result(secret)

        console.push_screen(dialog, answered)
        try:
            return await answer
        except asyncio.CancelledError:
            if dialog.is_attached:
                dialog.dismiss(None)
            raise
