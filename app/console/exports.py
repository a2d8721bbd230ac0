"""What is shown, written to a file that a person names."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modeldeck.app.usecases.writing import FORMS, Writing, save_rows, target
from modeldeck.backends.api.lists import pages_of
from modeldeck.widgets.text import file_name

if TYPE_CHECKING:
    from .screens.base import DeckScreen

YES = "yes"
PICTURES = ("txt", "svg")
EVERY = (*FORMS, *PICTURES)

Save = Callable[[Path, bool], Awaitable[str]]
"""Write to a path, over what is there or not; gives what to say of it."""


def export_screen(screen: "DeckScreen") -> None:
    """Ask for a file name, then write all rows that a list matches, or the screen as it is seen."""
    from .screens.listing import ListScreen
    from .screens.short import ShortScreen

    day = f"{screen.session.clock():%Y%m%d}"
    if not isinstance(screen, ListScreen) or isinstance(screen, ShortScreen):
        export_picture(screen, f"{screen.crumb or 'screen'}-{day}.txt")
    elif screen.rows is None:
        screen.say("there is nothing to export yet", "warn")
    else:
        window = screen.rows.window
        export_rows(screen, f"{screen.noun}-{day}.csv", lambda: pages_of(window), screen.noun)


def export_picture(screen: "DeckScreen", name: str) -> None:
    """Ask for a file name ending in .txt or .svg, then write what is in sight."""
    seen = Seen(screen)

    async def save(path: Path, replace: bool) -> str:
        return seen.save(path, replace=replace)

    def check(path: Path) -> str:
        return "" if _form(path) in PICTURES else f"{path.name} must end in {_ending(PICTURES)}"

    ask_file(screen, name, save, check=check, hint=f"ending in {_ending(PICTURES)}")


class Seen:
    """What is in sight at this moment, before a prompt covers a part of it, without secrets."""

    def __init__(self, screen: "DeckScreen") -> None:
        self._svg = screen.console.export_screenshot()
        self._text = text_of(screen)

    def save(self, path: Path, *, replace: bool) -> str:
        """Write it in the form that the name ends in; gives what to say."""
        text = self._svg if _form(path) == "svg" else self._text
        with Writing(path, replace=replace) as file:
            file.write(text.encode())
        return f"the screen written to {near(path)}"


def text_of(screen: "DeckScreen") -> str:
    """A screen as lines of text, as it is drawn, without the secrets that are known."""
    from modeldeck.app.config.redaction import redact

    size = screen.app.size
    seen = screen._compositor  # noqa: SLF001 - what Textual's own picture is made of
    lines = screen.app.console.render_lines(
        seen, screen.app.console_options.update_dimensions(size.width, size.height)
    )
    drawn = ("".join(part.text for part in line if not part.control).rstrip() for line in lines)
    return redact("\n".join(drawn) + "\n")


def near(path: Path) -> Path:
    """A path as it is said: from here where it lies below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _ending(forms: Sequence[str]) -> str:
    return f".{', .'.join(forms)}"


def export_rows(
    screen: "DeckScreen",
    name: str,
    pages: Callable[[], AsyncIterator[Sequence[Any]]],
    noun: str,
    names: Sequence[str] = (),
) -> None:
    """Ask for a file name ending in one of the forms, then write the rows of `pages`.

    Ending in .txt or .svg it gets what is in sight instead.

    `names` are those of the columns, where they are known before all rows are.
    """
    seen = Seen(screen)

    async def save(path: Path, replace: bool) -> str:
        if _form(path) in PICTURES:
            return seen.save(path, replace=replace)
        count = await save_rows(pages(), path, _form(path), names=names, replace=replace)
        return f"{count:,} {noun} written to {path}"

    ask_file(screen, name, save, check=_check_form, hint=f"ending in {_ending(EVERY)}")


def _form(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")


def _check_form(path: Path) -> str:
    return "" if _form(path) in EVERY else f"{path.name} must end in {_ending(EVERY)}"


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
