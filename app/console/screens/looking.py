"""Looking closer at what is under the cursor of a list: all of it, what hangs on it, its owner."""

from collections.abc import Sequence
from typing import Any, ClassVar

from modeldeck.backends.api.address import Address, parse_address
from modeldeck.backends.api.errors import ModeldeckError
from modeldeck.backends.api.events import Event
from modeldeck.backends.api.runs import Run

from .filtering import FilterScreen


class LookScreen(FilterScreen):
    """A list whose rows can be looked at. What there is to see follows from their addresses."""

    noun: ClassVar[str] = ""

    def current(self) -> Any | None:
        """The item under the cursor."""
        raise NotImplementedError

    async def whole(self, item: Any) -> Any:
        """All of an item, of which a list may hold a part."""
        raise NotImplementedError

    def why_not_describe(self) -> str:
        """Nothing is under the cursor."""
        return "" if self.current() is not None else "there is nothing here"

    def do_describe(self) -> None:
        """All of the one under the cursor, in lines."""
        item = self.current()

        async def work() -> Sequence[str]:
            if isinstance(item, Run):
                from modeldeck.app.usecases.describe import describe_run

                from .run_words import described

                return described(await describe_run(self.session, item.id), self.session.clock())
            return lines_of(await self.whole(item))

        self.bridge.ask(self, "described", f"{self.noun} in words", work)

    def got_described(self, lines: Sequence[str]) -> None:
        """Show them."""
        from .text import TextScreen

        self.console.push_screen(
            TextScreen("describe", lines, wrap=True, address=self.address_now())
        )

    # What hangs on it.

    def _address(self) -> Address | None:
        if self.current() is None:
            return None
        try:
            return parse_address(self.address_now())
        except ModeldeckError:
            return None

    def why_not_hangs(self) -> str:
        """Things hang on runs, experiments, models and versions."""
        address = self._address()
        if address is None or not address.name:
            return "nothing hangs on what is here"
        return "nothing hangs on an event" if address.noun == "events" else ""

    def do_hangs(self) -> None:
        """The runs of an experiment, the versions of a model, what hangs on one of those."""
        from ..places import screen_at
        from .hangs import HangsScreen

        address = self._address()
        assert address is not None
        if address.noun == "runs" or address.version is not None or address.alias is not None:
            self.console.push_screen(HangsScreen(str(address)))
        else:
            self.console.push_screen(screen_at(address))

    # Its owner.

    def why_not_owner(self) -> str:
        """Experiments and models have none."""
        item = self.current()
        if isinstance(item, Run):
            return ""
        if isinstance(item, Event):
            return "" if _is_address(item.subject) else f"{item.subject} has no screen"
        return f"{self.noun} have no owner to jump to" if item is not None else "nothing is here"

    def do_owner(self) -> None:
        """The parent of a run or the runs of its experiment; what an event is about."""
        from .runs import RunsScreen

        item = self.current()
        if isinstance(item, Event):
            self.console.open_address(item.subject)
        elif isinstance(item, Run) and item.parent_id:
            self.console.open_run(item.parent_id)
        elif isinstance(item, Run):
            self.console.push_screen(RunsScreen(experiment=item.experiment))


def _is_address(text: str) -> bool:
    try:
        return bool(parse_address(text).name)
    except ModeldeckError:
        return False


def lines_of(item: Any) -> list[str]:
    """A noun, or a JSON object, as names and values, each on a line of its own."""
    from modeldeck.app.usecases import encode

    pairs = encode.flat(encode.encode(item))
    told = {name: value for name, value in pairs.items() if value not in (None, "")}
    width = min(max(map(len, told), default=0), 32)
    found: list[str] = []
    for name, value in told.items():
        first, *more = str(value).split("\n")
        found.append(f"{name:<{width}}  {first}")
        found += [f"{'':<{width}}  {line}" for line in more]
    return found
