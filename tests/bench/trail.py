"""The audit trail: what a change pays for its event, proofs, and the whole trail read.

A change is a commit that waits for the disk (synchronous=FULL). Beside it, taking turns: the same
change with an event as a plain row of the same bytes, in a file with the same pages and journal.
"""

import asyncio
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from modeldeck.backends.api.events import Actor, Entry
from modeldeck.backends.local import trail, tree
from modeldeck.backends.local.backend import LocalBackend
from modeldeck.backends.local.checking import check
from modeldeck.backends.local.database import Connection, Database
from modeldeck.backends.local.opening import create_registry, open_registry
from modeldeck.backends.local.schema import REGISTRY
from modeldeck.backends.tlog import merkle

from .harness import Cost, cost, each, paired
from .place import Bench
from .report import SECONDS, AtMost, Line, Times

MILLION = 1_000_000
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
COMMITS = 40
"""Changes a round."""
_PIECE = 20_000
_PLAIN = """
PRAGMA page_size = 4096;
PRAGMA journal_mode = WAL;
CREATE TABLE thing(id INTEGER PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE event(
    seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT NOT NULL, host TEXT NOT NULL,
    phase TEXT NOT NULL, action TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX event_subject ON event(subject, seq);
CREATE INDEX event_time ON event(time, seq);
INSERT INTO thing VALUES(1, 0);
"""


def entry(number: int) -> Entry:
    """An event as a promotion writes one."""
    return Entry(
        actor=Actor(user="ada", host="jump1", session="ssh 10.0.0.7 /dev/pts/3 pid 4711"),
        tool="modeldeck 0",
        context="prod",
        phase="done",
        action="alias.set",
        subject=f"models/fraud-{number % 50}@champion",
        before={"version": number},
        after={"version": number + 1},
        reason="auc up by 0.004 on the holdout of October",
        ticket=f"OPS-{number}",
        plan="sha256:" + "5c" * 32,
    )


def measure(bench: Bench) -> Iterator[Line]:
    """A change, proofs, the check."""
    bench.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-trail-", dir=bench.cache) as folder:
        yield from _changes(bench, Path(folder))
    count = MILLION // 10 if bench.quick else MILLION
    made = bench.kept(f"trail-{count}", _key(), lambda new: fill(bench, new, count))
    yield from _million(bench, made, count)


def _key() -> bytes:
    # What is kept is made by these.
    files = [Path(module.__file__ or "") for module in (trail, tree)]
    return b"".join(path.read_bytes() for path in files) + "".join(REGISTRY.steps).encode()


def fill(bench: Bench, folder: Path, count: int) -> None:
    """So many events through the path that every event takes, but waiting for no disk."""
    backend = create_registry(folder)
    connection = backend.registry._open_writer()
    try:
        connection.execute("PRAGMA synchronous=OFF")
        for start in range(0, count, _PIECE):
            connection.execute("BEGIN IMMEDIATE")
            for number in range(start, min(start + _PIECE, count)):
                trail.write(connection, entry(number), BEGIN + timedelta(seconds=number))
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            bench.say(f"{min(start + _PIECE, count):,} events")
    finally:
        connection.close()
    asyncio.run(backend.close())


class Plain:
    """The change with a plain row beside it, through the same lock, transaction and log."""

    def __init__(self, path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.executescript(_PLAIN)
        self.database = Database(path)
        self.number = 0

    def change(self) -> None:
        """One commit."""
        import msgspec

        self.number += 1
        event = entry(self.number)
        body = msgspec.json.encode(event, order="sorted").decode()
        row = (
            time.time_ns() // 1000,
            event.actor.user,
            event.actor.host,
            event.phase,
            event.action,
            event.subject,
            body,
        )

        def work(connection: Connection) -> None:
            connection.execute("UPDATE thing SET value = ? WHERE id = 1", (self.number,))
            connection.execute("INSERT INTO event VALUES(NULL, ?, ?, ?, ?, ?, ?, ?)", row)

        self.database.write_now(work)


class Ours:
    """The change with its event, as the backend commits both."""

    def __init__(self, backend: LocalBackend) -> None:
        self.backend = backend
        self.number = 0

    def change(self) -> None:
        """One commit."""
        self.number += 1

        def work(connection: Connection) -> None:
            connection.execute(
                "INSERT INTO meta VALUES('bench', ?1)"
                " ON CONFLICT DO UPDATE SET value = excluded.value",
                (str(self.number),),
            )
            trail.write(connection, entry(self.number), datetime.now(UTC))

        self.backend.registry.write_now(work)


def _changes(bench: Bench, folder: Path) -> Iterator[Line]:
    backend = create_registry(folder / "ours")
    ours, plain = Ours(backend), Plain(folder / "plain.db")

    def mine() -> Cost:
        return each(ours.change, COMMITS)

    def theirs() -> Cost:
        return each(plain.change, COMMITS)

    pair = paired(mine, theirs, bench.rounds(24), warm=2)
    plain.database.close_now()
    asyncio.run(backend.close())
    own, others = pair.wall()
    words = "a commit at synchronous=FULL, with index, chain, payload and tree"
    yield Line("a change with its event", SECONDS, own, Times(1.25), others, "a plain row",
               note=words)  # fmt: skip
    own, others = pair.cpu()
    yield Line("a change with its event (CPU)", SECONDS, own, None, others, "a plain row")


def _million(bench: Bench, folder: Path, count: int) -> Iterator[Line]:
    backend = open_registry(folder, read_only="the bench looks")

    def proofs(connection: Connection) -> tuple[list[float], list[float], list[float]]:
        node = tree.node_of(connection)
        seq = int.from_bytes(os.urandom(4), "little") % count
        return (
            [each(lambda: merkle.root(count, node), 20).wall],
            [each(lambda: merkle.inclusion(seq, count, node), 20).wall],
            [each(lambda: merkle.consistency(seq + 1, count, node), 20).wall],
        )

    found: tuple[list[float], ...] = ([], [], [])
    for _ in range(bench.rounds(30)):
        for kept, new in zip(found, backend.registry.read_now(proofs), strict=True):
            kept.extend(new)
    for name, values in zip(("root", "inclusion proof", "consistency proof"), found, strict=True):
        what = f"{name}, {count:,} events"
        yield Line(what, SECONDS, values, AtMost(0.001), note="from stored nodes, a random event")
    whole = [cost(lambda: backend.registry.read_now(check)) for _ in range(3)]
    limit = AtMost(10 * count / MILLION)
    words = "chain, payloads, tree against stored nodes, by `check`, on one thread"
    what = f"verify {count:,} events"
    yield Line(f"{what} (CPU)", SECONDS, [one.cpu for one in whole], limit, note=words)
    yield Line(what, SECONDS, [one.wall for one in whole], None)
    size = backend.layout.database.stat().st_size / count
    yield Line("stored, an event", "B", [size], note="all tables and indexes of the trail")
    asyncio.run(backend.close())
