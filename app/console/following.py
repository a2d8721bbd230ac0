"""What comes after this program: another context, opened while this one was still there."""

from typing import TYPE_CHECKING, NamedTuple

from modeldeck.app.usecases.session import Session

if TYPE_CHECKING:
    from .asking import Asking
    from .screens.base import DeckScreen


class Following(NamedTuple):
    """A session, and where to go in it: a text for `:`."""

    session: Session
    goes: str = ""


def open_context(screen: "DeckScreen", name: str, goes: str, asking: "Asking | None") -> None:
    """Open the context of that name beside this one; `screen` says how far that is, or why not."""

    async def work() -> Following:
        from modeldeck.app.workspace import Wish, open_session

        wish = Wish(context=name, readonly=screen.console.readonly)
        return Following(await open_session(wish, ask=asking), goes)

    screen.say(f"opening {name} ... Esc cancels")
    screen.bridge.ask(screen, "context", f"open context {name}", work)
