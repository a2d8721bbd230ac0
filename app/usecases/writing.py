"""Files written on a person's word: private, whole or not at all, never over another unasked."""

import os
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import DamagedError, RefusedError, UsageError
from modeldeck.backends.api.evaluate import number_of
from modeldeck.widgets.text import show

from . import encode
from .session import Session

PIECE = 1 << 20
FORMS = ("csv", "json", "jsonl")


def target(text: str, name: str) -> Path:
    """Where a file shall go that a person named so: below a folder it gets `name`."""
    path = Path(text.strip() or name).expanduser()
    if path.is_dir():
        path = path / name
    return Path(os.path.abspath(path))  # noqa: PTH100 - links are not to be followed


class Writing:
    """A file that appears at `path`, readable by its owner alone, when all of it is written.

    Without `replace` a file that is there already is never touched: RefusedError.
    """

    def __init__(self, path: Path, *, replace: bool = False) -> None:
        self._path = path
        self._replace = replace
        self._draft = path.with_name(f".{path.name[:100]}.{secrets.token_hex(4)}")
        self._file: BinaryIO | None = None
        self._holds = False

    def __enter__(self) -> Self:
        try:
            if not self._replace:
                # Held from now on, so that no other program can take the name meanwhile.
                os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                self._holds = True
            handle = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise RefusedError(
                "is there already", where=str(self._path), way_out="Take another name"
            ) from None
        except OSError as error:
            self._undo()
            raise _wrong(error, self._path) from error
        self._file = os.fdopen(handle, "wb")
        return self

    def write(self, data: bytes) -> None:
        """Add bytes."""
        assert self._file is not None
        try:
            self._file.write(data)
        except OSError as error:
            raise _wrong(error, self._path) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._file is not None
        try:
            self._file.close()
            if kind is None:
                self._draft.replace(self._path)
                self._holds = False
        except OSError as wrong:
            raise _wrong(wrong, self._path) from wrong
        finally:
            self._undo()

    def _undo(self) -> None:
        self._draft.unlink(missing_ok=True)
        if self._holds:
            self._path.unlink(missing_ok=True)


def _wrong(error: OSError, path: Path) -> UsageError:
    return UsageError(error.strerror or str(error), where=str(path))


async def save_artifact(
    session: Session,
    owner: str,
    artifact: Artifact,
    path: Path,
    *,
    replace: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> int:
    """Copy a file of `owner` to `path` and check its digest; gives its bytes."""
    import hashlib

    digest, done = hashlib.sha256(), 0
    with Writing(path, replace=replace) as file:
        while data := await session.registry.read_artifact(owner, artifact.path, done, PIECE):
            file.write(data)
            digest.update(data)
            done += len(data)
            progress(done)
        if artifact.digest not in (None, f"sha256:{digest.hexdigest()}"):
            raise DamagedError(
                "its bytes are not those of its digest; nothing was written", where=artifact.path
            )
    return done


async def save_rows(
    pages: AsyncIterable[Sequence[Any]],
    path: Path,
    form: str,
    *,
    names: Sequence[str] = (),
    replace: bool = False,
) -> int:
    """Write nouns or JSON objects in one of the FORMS; gives how many.

    A CSV file whose columns have no `names` yet is written when the last row has been seen.
    """
    count = 0
    if form == "csv" and not names:
        rows = [encode.flat(_object(item)) async for page in pages for item in page]
        names = list(dict.fromkeys(name for row in rows for name in row))
        pages = _one_page(rows)
    with Writing(path, replace=replace) as file:
        head, tail = _ends(form, names)
        file.write(head.encode())
        async for page in pages:
            if form == "csv":
                text = "".join(csv_line([_flat(item).get(name) for name in names]) for item in page)
            elif form == "json":
                lead = ", " if count and page else ""
                text = lead + ", ".join(encode.line(item) for item in page)
            else:
                text = "".join(f"{encode.line(item)}\n" for item in page)
            file.write(text.encode())
            count += len(page)
        file.write(tail.encode())
    return count


def _ends(form: str, names: Sequence[str]) -> tuple[str, str]:
    if form == "json":
        return f'{{"schema": {encode.SCHEMA}, "items": [', '], "next": null}\n'
    return (csv_line(names), "") if form == "csv" else ("", "")


async def _one_page(rows: Sequence[Any]) -> AsyncIterator[Sequence[Any]]:
    yield rows


def _flat(item: Any) -> dict[str, Any]:
    return encode.flat(_object(item))


def _object(item: Any) -> dict[str, Any]:
    return item if isinstance(item, dict) else encode.encode(item)


def csv_line(values: Sequence[Any]) -> str:
    """One row. Text that a spreadsheet would run as a formula gets an apostrophe."""
    import csv
    import io

    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([_cell(value) for value in values])
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = show(str(value))
    formula = text[:1] in {"=", "+", "-", "@"} and number_of(text) is None
    return f"'{text}" if formula and not isinstance(value, int | float) else text
