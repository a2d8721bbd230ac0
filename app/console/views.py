"""Ways to show a list under a name: those of `config.toml`, and those kept from the console."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from modeldeck.app.config.hands import VIEWED, SavedView, near
from modeldeck.app.config.settings import Settings
from modeldeck.backends.api.errors import NotFoundError

from .memory import Memory

_KEY = "view/"
CONFIG, KEPT = "config.toml", "kept here"


class Found(NamedTuple):
    """A view, its name, where it was written."""

    name: str
    view: SavedView
    source: str


def views_of(settings: Settings, memory: Memory) -> Mapping[str, Found]:
    """All views by name; one that was kept here hides one of the file."""
    found = {name: Found(name, view, CONFIG) for name, view in settings.views.items()}
    for key in memory.keys(_KEY):
        view = _read(memory.texts(key))
        name = key.removeprefix(_KEY)
        if view is not None and name:
            found[name] = Found(name, view, KEPT)
    return dict(sorted(found.items()))


def view_named(settings: Settings, memory: Memory, name: str, noun: str = "") -> SavedView:
    """One of them; NotFoundError with what there is, also where it is of another noun."""
    every = views_of(settings, memory)
    fitting = {one: found for one, found in every.items() if noun in ("", found.view.noun)}
    if name in fitting:
        return fitting[name].view
    what = (
        f"the view {name!r} is of {every[name].view.noun}"
        if name in every
        else (f"there is no view {name!r}")
    )
    way_out = near(name, list(fitting)) if fitting else "`v` in a list keeps what is shown as one"
    raise NotFoundError(what, way_out=way_out)


def keep(memory: Memory, name: str, view: SavedView) -> None:
    """Keep a view under a name."""
    head = msgspec.json.encode(msgspec.structs.replace(view, columns=())).decode()
    memory.put(f"{_KEY}{name}", [head, *view.columns])


def remove(memory: Memory, name: str) -> None:
    """Forget one that was kept."""
    memory.drop(f"{_KEY}{name}")


def _read(texts: list[str] | None) -> SavedView | None:
    if not texts:
        return None
    try:
        view = msgspec.json.decode(texts[0].encode(), type=SavedView)
    except (msgspec.DecodeError, UnicodeError):
        return None
    if view.noun not in VIEWED:
        return None
    return msgspec.structs.replace(view, columns=tuple(texts[1:]))
