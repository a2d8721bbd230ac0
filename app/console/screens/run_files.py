"""The artifacts of a run: folders that open and close, a look into a file, one saved."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from modeldeck.app.usecases.describe import RunDetail
from modeldeck.app.usecases.preview import Preview
from modeldeck.app.usecases.writing import save_artifact
from modeldeck.backends.api.address import run as address
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.widgets.bar import Part
from modeldeck.widgets.reader import diff_style, markdown_style
from modeldeck.widgets.table import Cell, Column, Row
from modeldeck.widgets.table.messages import ToggleAsked
from modeldeck.widgets.table.model import Twisty

from ..exports import ask_file
from ..words import short, size
from .run_part import RunPart, TablePart
from .text import TextScreen

_STYLES = {"diff": diff_style, "markdown": markdown_style}
MANY = 60
"""With more files than these, folders are closed at first."""


class FilesPart(TablePart):
    """Artifacts."""

    word = "Artifacts"
    nothing = "no artifacts: a script puts files into artifacts/ of its run directory"
    columns: ClassVar[Sequence[Column]] = [
        Column("path", "PATH", pinned=True, min_width=16, max_width=70, priority=9, grow=1),
        Column("size", "SIZE", "number", priority=8),
        Column("digest", "SHA-256", max_width=12, priority=7),
        Column("location", "LIES AT", max_width=0, priority=6, grow=1),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.closed: set[str] | None = None

    @classmethod
    def holds(cls, detail: RunDetail) -> bool:
        """Whether it has artifacts."""
        return bool(detail.artifacts)

    def rows(self, detail: RunDetail) -> Sequence[Row]:
        """The tree; when it is narrowed, all files with their whole paths."""
        if self.text:
            return [file_row(one, one.path, 0) for one in detail.artifacts]
        if self.closed is None:
            many = len(detail.artifacts) > MANY
            self.closed = folders(detail.artifacts) if many else set()
        return tree(detail.artifacts, self.closed)

    def on_table_toggle_asked(self, _: ToggleAsked) -> None:
        """Open or close a folder."""
        self.open_current()

    def why_not_open(self) -> str:
        """There has to be something."""
        return "" if self.current else "there is nothing to open"

    def open_current(self) -> None:
        """Open or close a folder, look into a file."""
        kind, _, path = self.current.partition(":")
        if kind == "d" and self.closed is not None and self.run_screen.detail is not None:
            self.closed ^= {path}
            self.take(self.run_screen.detail)
        elif kind == "f":
            self.run_screen.look_into(path)

    def why_not_export(self) -> str:
        """One file is saved at a time."""
        return "" if self.current.startswith("f:") else "put the cursor on a file to save it"

    def export(self) -> None:
        """Save the file under the cursor."""
        found = file_of(self.run_screen.detail, self.current[2:])
        if found is not None:
            save_one(self, found)


def file_of(detail: RunDetail | None, path: str) -> Artifact | None:
    """The artifact of that path."""
    return next((one for one in detail.artifacts if one.path == path), None) if detail else None


def save_one(part: RunPart, artifact: Artifact) -> None:
    """Ask for a place, then copy the bytes there and check them."""
    screen = part.run_screen
    owner = address(screen.run_id)

    async def save(path: Path, replace: bool) -> str:
        def progress(done: int) -> None:
            if artifact.size and done < artifact.size:
                screen.say(f"{size(done)} of {size(artifact.size)} written, Esc cancels")

        count = await save_artifact(
            screen.session, owner, artifact, path, replace=replace, progress=progress
        )
        checked = "digest as recorded" if artifact.digest else "no digest to check"
        return f"{size(count)} written, {checked}: {path}"

    # Its own name, never its folders: what is written in an artifact's path leads nowhere.
    name = artifact.path.rpartition("/")[2] or "artifact"
    ask_file(screen, name, save, stay_below=True, hint="a file or a folder of yours")


def text_screen(
    artifact: Artifact, found: Preview, style_of: Callable[[str], str] | None = None
) -> TextScreen:
    """A look as a screen."""
    about = [Part(f"{artifact.path}  {size(artifact.size)}  {artifact.digest or ''}", "dim")]
    if found.said:
        about.append(Part(found.said, "bad" if found.kind == "pickle" else "warn"))
    return TextScreen(
        artifact.path.rpartition("/")[2],
        found.lines,
        style_of=style_of or _STYLES.get(found.kind),
        wrap=found.kind in ("json", "markdown", "text"),
        numbers=found.kind in ("text", "json", "diff"),
        about=about,
    )


def folders(artifacts: Sequence[Artifact]) -> set[str]:
    """The paths of all folders that files lie in."""
    found = set()
    for one in artifacts:
        parts = one.path.split("/")
        found |= {"/".join(parts[:at]) for at in range(1, len(parts))}
    return found


def tree(artifacts: Sequence[Artifact], closed: set[str]) -> list[Row]:
    """Files below their folders, folders before files; what lies in a closed one is left out."""
    rows: list[Row] = []
    _branch(rows, [(one.path.split("/"), one) for one in artifacts], "", closed, 0)
    return rows


def _branch(
    rows: list[Row],
    files: Sequence[tuple[list[str], Artifact]],
    above: str,
    closed: set[str],
    level: int,
) -> None:
    inner: dict[str, list[tuple[list[str], Artifact]]] = {}
    for parts, one in files:
        if len(parts) > 1:
            inner.setdefault(parts[0], []).append((parts[1:], one))
    for name in sorted(inner):
        path = f"{above}/{name}" if above else name
        sizes = [one.size for _, one in inner[name]]
        total = None if None in sizes else sum(count or 0 for count in sizes)
        shut = path in closed
        cells: list[Cell | str] = [
            f"{name}/",
            size(total),
            Cell(f"{len(sizes):,} file{'s' * (len(sizes) != 1)}", "dim"),
        ]
        twisty: Twisty = "closed" if shut else "open"
        rows.append(Row(f"d:{path}", cells, level=level, twisty=twisty))
        if not shut:
            _branch(rows, inner[name], path, closed, level + 1)
    for parts, one in sorted(files, key=lambda file: file[0]):
        if len(parts) == 1:
            rows.append(file_row(one, parts[0], level))


def file_row(artifact: Artifact, name: str, level: int) -> Row:
    """A file."""
    cells: list[Cell | str] = [
        name,
        size(artifact.size),
        Cell(short(artifact.digest), "dim"),
        Cell(artifact.location or "", "dim"),
    ]
    return Row(f"f:{artifact.path}", cells, level=level)
