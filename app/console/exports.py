"""What is shown, written to a file that a person names."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modeldeck.app.usecases.writing import FORMS, save_rows, target
from modeldeck.backends.api.lists import pages_of
from modeldeck.widgets.text import file_name

if TYPE_CHECKING:
    from .screens.base import DeckScreen

YES = "yes"

Save = Callable[[Path, bool], Awaitable[str]]
"""Write to a path, over what is there or not; gives what to say of it."""


def export_list(screen: "DeckScreen") -> None:
    """Ask for a file name, then write all rows that a list screen matches."""
    from .screens.listing import ListScreen

    assert isinstance(screen, ListScreen)
    if screen.rows is None:
        screen.say("there is nothing to export yet", "warn")
        return
    day = f"{screen.session.clock():%Y%m%d}"
    window = screen.rows.window
    export_rows(screen, f"{screen.noun}-{day}.csv", lambda: pages_of(window), screen.noun)


def export_rows(
    screen: "DeckScreen",
    name: str,
    pages: Callable[[], AsyncIterator[Sequence[Any]]],
    noun: str,
    names: Sequence[str] = (),
) -> None:
    """Ask for a file name ending in one of the forms, then write the rows of `pages`.

    `names` are those of the columns, where they are known before all rows are.
    """

    async def save(path: Path, replace: bool) -> str:
        count = await save_rows(pages(), path, _form(path), names=names, replace=replace)
        return f"{count:,} {noun} written to {path}"

    ask_file(screen, name, save, check=_check_form, hint=f"ending in .{', .'.join(FORMS)}")


def _form(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")


def _check_form(path: Path) -> str:
    return "" if _form(path) in FORMS else f"{path.name} must end in .{', .'.join(FORMS)}"


def ask_file(
    screen: "DeckScreen",
    name: str,
    save: Save,
    *,
    check: Callable[[Path], str] = lambda _: "",
    hint: str = "",
    stay_below: bool = False,
) -> None:
    """Ask where to write, once more when that is over another file, then write.

    `check` says what is wrong with a path. With `stay_below` a place outside of the folder that the
    program was started in is asked about again.
    """
    safe = file_name(name)

    def given(text: str) -> None:
        path = target(text, safe)
        wrong = check(path) or _no_folder(path)
        if wrong:
            screen.say(wrong, "warn")
        elif path.exists() or path.is_symlink():
            again(path, f"{YES} writes over {path}, which is there already", replace=True)
        elif stay_below and not path.is_relative_to(Path(os.path.abspath("."))):  # noqa: PTH100
            again(path, f"{YES} writes {path}, which is outside of this folder", replace=False)
        else:
            write(path, replace=False)

    def again(path: Path, question: str, *, replace: bool) -> None:
        def confirmed(text: str) -> None:
            if text.strip() == YES:
                write(path, replace=replace)
            else:
                screen.say("nothing was written")

        screen.ask_line("sure", f"{YES}?", confirmed, hint=question)

    def write(path: Path, *, replace: bool) -> None:
        screen.say(f"writing {path} ...")
        screen.bridge.ask(screen, "written", f"write {path.name}", lambda: save(path, replace))

    screen.ask_line("file", "to", given, text=safe, hint=hint)


def _no_folder(path: Path) -> str:
    if path.parent.is_dir():
        return ""
    return f"there is no folder {path.parent}"
