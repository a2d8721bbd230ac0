"""A close look at a registry's files: whether they are whole, private, and agree."""

import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..api.checkup import Finding, Weight
from ..api.errors import ModeldeckError
from . import trail
from .backup import Progress, silent
from .database import Connection, opened
from .files import NETWORK, Layout, file_system
from .schema import REGISTRY, TELEMETRY, Schema, newer
from .store import NEW, Store

SAFE_SQLITE = (3, 51, 3)
_PIECE = 1000
_RESTORE = "`modeldeck restore BACKUP` brings back the last good one"


def check(layout: Layout, *, progress: Progress = silent) -> Sequence[Finding]:
    """Look at everything, reading each artifact; raises nothing about the registry itself."""
    found = [*_surroundings(layout), *_modes(layout)]
    progress("reading the databases", 0, 1)
    for path, schema in ((layout.telemetry, TELEMETRY), (layout.database, REGISTRY)):
        whole = _whole(path, schema)
        found.extend(whole)
    if not any(one.weight == Weight.BAD for one in whole):
        with opened(layout.database) as registry:
            try:
                found.extend(registry.read_now(_events))
                found.extend(registry.read_now(_aliases))
                named = registry.read_now(_artifacts)
            except ModeldeckError as error:
                found.append(_of(error, layout.database))
            else:
                found.extend(_contents(layout, named, progress))
    return found


def _of(error: ModeldeckError, path: Path) -> Finding:
    return Finding(
        weight=Weight.BAD, where=error.where or str(path), what=error.what, way_out=error.way_out
    )


def _surroundings(layout: Layout) -> Iterator[Finding]:
    if sqlite3.sqlite_version_info < SAFE_SQLITE:
        yield Finding(
            weight=Weight.NOTE,
            where=f"SQLite {sqlite3.sqlite_version}",
            what="can lose writes when two programs empty a log at once; modeldeck's lock keeps"
            " its own processes apart",
            way_out="Let no other program write to the registry",
        )
    kind = file_system(layout.folder)
    if kind in NETWORK:
        yield Finding(
            weight=Weight.DOUBTFUL,
            where=str(layout.folder),
            what=f"lies on {kind}, where SQLite's locks cannot be trusted",
            way_out="Keep the registry on a local disk",
        )
    for path in (layout.database, layout.telemetry):
        log = path.with_name(path.name + "-wal")
        if log.exists() and not path.exists():
            yield Finding(
                weight=Weight.BAD,
                where=str(log),
                what=f"is the log of a {path.name} that is not there",
                way_out="Put the two files together again, or restore a backup",
            )
    left = list(layout.artifacts.glob(NEW + "*"))
    if left:
        yield Finding(
            weight=Weight.NOTE,
            where=str(layout.artifacts),
            what=f"{len(left)} files that were never finished",
            way_out="`modeldeck gc` removes them",
        )


def _modes(layout: Layout) -> Iterator[Finding]:
    files = [path for path in layout.folder.glob("*.db*") if path.is_file()]
    for path in [layout.folder, *sorted(files), layout.artifacts]:
        try:
            status = path.lstat()
        except OSError:
            continue
        open_to = stat.S_IMODE(status.st_mode) & 0o077
        if open_to:
            wanted = "0700" if stat.S_ISDIR(status.st_mode) else "0600"
            yield Finding(
                weight=Weight.DOUBTFUL,
                where=str(path),
                what=f"others than its owner may use it (mode {stat.S_IMODE(status.st_mode):04o})",
                way_out=f"chmod {wanted} {path}",
            )
        if status.st_uid not in (os.getuid(), 0):
            yield Finding(
                weight=Weight.DOUBTFUL,
                where=str(path),
                what=f"belongs to somebody else (uid {status.st_uid})",
                way_out="Let it belong to whoever uses it",
            )


def _whole(path: Path, schema: Schema) -> Sequence[Finding]:
    if not path.exists():
        weight = Weight.BAD if schema is REGISTRY else Weight.DOUBTFUL
        return [Finding(weight=weight, where=str(path), what="is not there", way_out=_RESTORE)]

    def work(connection: Connection) -> Iterator[Finding]:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if connection.execute("PRAGMA application_id").fetchone()[0] != schema.application_id:
            what = f"is no {schema.name} of modeldeck"
            yield Finding(weight=Weight.BAD, where=str(path), what=what, way_out=_RESTORE)
        elif version > schema.version:
            yield Finding(
                weight=Weight.DOUBTFUL,
                where=str(path),
                what=newer(version, schema),
                way_out="Update modeldeck",
            )
        for (word,) in connection.execute("PRAGMA integrity_check(20)"):
            if word != "ok":
                yield Finding(weight=Weight.BAD, where=str(path), what=word, way_out=_RESTORE)

    with opened(path) as database:
        try:
            return database.read_now(lambda connection: list(work(connection)))
        except ModeldeckError as error:
            return [_of(error, path)]


def _events(connection: Connection) -> Sequence[Finding]:
    broken = trail.verify(connection)
    if broken is not None:
        return [
            Finding(
                weight=Weight.BAD,
                where=f"event {broken}",
                what="is not what was written: the audit trail is broken from here on",
                way_out="Keep the file as it is, find out who did; a backup has the trail so far",
            )
        ]
    if _index_differs(connection):
        return [
            Finding(
                weight=Weight.BAD,
                where="audit_index",
                what="does not say what the events say",
                way_out="The events are whole: have the index made anew",
            )
        ]
    return []


def _index_differs(connection: Connection) -> bool:
    rows = connection.execute("SELECT * FROM audit_index ORDER BY seq").fetchall()
    count = connection.execute("SELECT count(*) FROM audit").fetchone()[0]
    if len(rows) != count:
        return True
    for start in range(0, count, _PIECE):
        piece = rows[start : start + _PIECE]
        events = trail.events_by_seq(connection, [row[0] for row in piece])
        for event, row in zip(events, piece, strict=False):
            if trail.index_row(event) != row:
                return True
        if len(events) != len(piece):
            return True
    return False


def _aliases(connection: Connection) -> Sequence[Finding]:
    rows = connection.execute(
        "SELECT m.name, a.name, a.number FROM alias a JOIN model m ON m.id = a.model_id"
        " LEFT JOIN version v ON v.model_id = m.id AND v.number = a.number"
        " WHERE v.id IS NULL OR v.deleted_at IS NOT NULL"
    )
    return [
        Finding(
            weight=Weight.DOUBTFUL,
            where=f"{row[0]}@{row[1]}",
            what=f"points to version {row[2]}, which is not there",
            way_out="Move or remove the alias",
        )
        for row in rows
    ]


def _artifacts(connection: Connection) -> Sequence[tuple[str, str, str]]:
    return connection.execute(
        "SELECT digest, min(owner), min(path) FROM artifact WHERE digest IS NOT NULL"
        " GROUP BY digest ORDER BY digest"
    ).fetchall()


def _contents(
    layout: Layout, named: Sequence[tuple[str, str, str]], progress: Progress
) -> Iterator[Finding]:
    store = Store(layout.artifacts)
    for place, (digest, owner, path) in enumerate(named):
        progress("reading artifacts", place, len(named))
        try:
            if store.path(digest).exists() and store.verify(digest):
                continue
            what = "is damaged" if store.path(digest).exists() else "is not in the store"
        except (ModeldeckError, OSError) as error:
            what = f"cannot be read ({error})"
        yield Finding(
            weight=Weight.BAD, where=f"{owner}, {path}", what=f"its file {what}", way_out=_RESTORE
        )
