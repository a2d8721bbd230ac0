"""What can happen to the files of a registry, one function each: it is given the folder."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

Harm = Callable[[Path], object]
TIMES = [
    "started_at",
    "ended_at",
    "created_at",
    "updated_at",
    "deleted_at",
    "moved_at",
    "time",
    "received_at",
]
JSON = ["unsafe", "signature", "labels", "schema", "profile", "body"]
FAR = (1 << 62, -(1 << 62))


def cut(part: float, folder: Path, name: str = "registry.db") -> None:
    path = folder / name
    os.truncate(path, int(path.stat().st_size * part))


def flipped(seed: int, folder: Path, name: str = "registry.db") -> None:
    """Twenty bits that are another way, none in the first hundred bytes, which SQLite checks."""
    data, chance = bytearray((folder / name).read_bytes()), random.Random(seed)
    for _ in range(20):
        data[chance.randrange(100, len(data))] ^= 1 << chance.randrange(8)
    (folder / name).write_bytes(data)


@contextmanager
def changed(folder: Path) -> Iterator[sqlite3.Connection]:
    """The registry, by another program, without the triggers that keep some rows as they are."""
    with closing(sqlite3.connect(folder / "registry.db", isolation_level=None)) as db:
        find = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        triggers = db.execute(find).fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        yield db
        for _, text in triggers:
            db.execute(text)


def sql(statement: str) -> Harm:
    def harm(folder: Path) -> None:
        with changed(folder) as db:
            db.execute(statement)

    return harm


def every(columns: list[str], value: object, folder: Path) -> None:
    """The same value wherever a row has a column of these names."""
    with changed(folder) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM pragma_table_list WHERE strict")]
        for table in tables:
            for _, column, kind, *_ in db.execute(f"PRAGMA table_info({table})").fetchall():
                if column in columns and (kind == "TEXT") is isinstance(value, str):
                    db.execute(f"UPDATE {table} SET {column} = ?", [value])


def replaced(content: bytes, folder: Path, name: str = "registry.db") -> None:
    (folder / name).write_bytes(content)


def gone(folder: Path, name: str) -> None:
    (folder / name).unlink()


HARMS: dict[str, Harm] = {
    **{f"cut at {part}": partial(cut, part) for part in (0, 0.001, 0.1, 0.5, 0.9, 0.99)},
    **{f"flipped {seed}": partial(flipped, seed) for seed in range(8)},
    "a text": partial(replaced, b"run,accuracy\n1,0.5\n" * 100),
    "zeros": partial(replaced, bytes(100_000)),
    "a head alone": partial(replaced, b"SQLite format 3\0" + bytes(84)),
    "a table missing": sql("DROP TABLE model_tag"),
    "a column renamed": sql("ALTER TABLE run RENAME COLUMN user TO who"),
    "a table of another name": sql("ALTER TABLE tag RENAME TO t"),
    "from the future": sql("PRAGMA user_version=99"),
    "from before all": sql("PRAGMA user_version=-1"),
    "states of another": partial(every, ["status", "phase", "kind"], "odd"),
    **{f"times {time}": partial(every, TIMES, time) for time in FAR},
    **{f"JSON {text}": partial(every, JSON, text) for text in ("{", "7", "[1]", "[" * 10_000)},
    "leaves": sql("UPDATE audit SET leaf = x'ff', link = x''"),
    "payloads gone": sql("DELETE FROM audit_payload"),
    "an index gone": sql("DELETE FROM audit_index"),
    "statements": sql("UPDATE statement SET envelope = x'ff', subject = 'odd'"),
    "sizes": sql("UPDATE version SET number = -number, size = -1"),
    "aliases": sql("UPDATE alias SET number = 0"),
    "a parent of itself": sql("UPDATE run SET parent_uid = uid"),
    "nobody's runs": sql("UPDATE run SET experiment_id = 12345"),
    "a model gone": sql("DELETE FROM model WHERE id < 20"),
    "no series": partial(gone, name="telemetry.db"),
    "series a text": partial(replaced, b"text" * 100, name="telemetry.db"),
    "series cut": partial(cut, 0.3, name="telemetry.db"),
    **{f"series flipped {n}": partial(flipped, n, name="telemetry.db") for n in range(2)},
    "no artifacts": lambda folder: (folder / "artifacts").rename(folder / "elsewhere"),
}
