"""Names that this console has seen: what one can jump to without asking anybody."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from modeldeck.app.usecases.session import Session
from modeldeck.backends.api import address
from modeldeck.backends.api.lists import Window
from modeldeck.backends.api.models import Model, Version
from modeldeck.backends.api.runs import Experiment, Run

MOST = 5_000
"""Names of each kind that are kept, the last seen ones."""
READ = 2_000
"""Of each kind that are read at once where that costs no request."""


class Name(NamedTuple):
    """What one can jump to: its kind, its words, its address."""

    kind: str
    text: str
    address: str


class Known:
    """Names by address, bounded for each kind; `version` grows with them."""

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, Name]] = {
            "model": {}, "alias": {}, "version": {}, "experiment": {}, "run": {},
        }  # fmt: skip
        self.read = False

    def saw(self, items: Iterable[Any]) -> None:
        """Remember models, versions, experiments and runs; other things are left alone."""
        for item in items:
            for name in names_of(item):
                kind = self._kinds[name.kind]
                kind.pop(name.address, None)
                kind[name.address] = name
                if len(kind) > MOST:
                    del kind[next(iter(kind))]

    def names(self) -> Sequence[Name]:
        """All of them: models, aliases, versions, experiments, runs, the last seen first."""
        return [name for kind in self._kinds.values() for name in reversed(kind.values())]


def names_of(item: Any) -> list[Name]:
    """The names of one noun."""
    if isinstance(item, Model):
        found = [Name("model", item.name, address.model(item.name))]
        found += [
            Name("alias", f"{item.name}@{word}", address.alias(item.name, word))
            for word in item.aliases
        ]
        return found
    if isinstance(item, Version):
        where = address.version(item.model, item.version)
        return [Name("version", f"{item.model}/{item.version}", where)]
    if isinstance(item, Experiment):
        return [Name("experiment", item.name, address.experiment(item.name))]
    if isinstance(item, Run):
        return [Name("run", f"{item.name} {item.id[:12]}".strip(), address.run(item.id))]
    return []


async def read_names(session: Session) -> list[Any]:
    """The newest of each kind, from a registry that answers without a request to a server."""
    from modeldeck.app.usecases import experiments, models, runs

    found: list[Any] = []
    lists: Sequence[Callable[[], Awaitable[Window[Any]]]] = (
        partial(models.list_models, session),
        partial(experiments.list_experiments, session),
        partial(runs.list_runs, session, first=READ),
    )
    for ask in lists:
        window = await ask()
        # The window gives the newest first; older ones are overtaken by what is seen later.
        page = window.first if len(window.first) >= READ else await window.page(0, READ)
        found += reversed(page)
    return found
