"""One run of W&B as its transaction logs hold it, read on as they grow."""

import re
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from ..api.ingest import RunRecord
from ..api.runs import SYSTEM, Git, Lock, Metric, Run, Status
from ..api.text import exact
from ..api.times import from_micros, to_micros
from .blocks import Blocks
from .columns import Columns
from .damage import Damage
from .following import Mark
from .json_values import JsonError, flat, number, parse, words
from .log_source import status_of
from .problems import ProblemLog
from .store_files import UnreadError
from .wandb_history import AXES, History, Items, Summary
from .wire import Message, WireError, varint

PROJECT = "uncategorized"
HEAD = 100
# A record: its number, then the message that it is and its length. Histories and summaries are
# nearly all.
_HOT = re.compile(
    rb"(?:\x08[\x80-\xff]{0,9}[\x00-\x7f])?+([\x12\x1a])([\x80-\xff]{0,9}+[\x00-\x7f])"
)


class WandbRun:
    """What the logs at `paths`, in order of time, say of one run. Read on with `more`."""

    def __init__(self, run_id: str, paths: tuple[Path, ...], log: ProblemLog) -> None:
        self.id = run_id
        self.columns = Columns()
        self.project = ""
        self._log = log
        self._files = [(path, Blocks(path, damage := Damage(path)), damage) for path in paths]
        self._items = Items()
        self._history = History(self.columns, self._items, self._failed)
        self._summary = Summary(self._items)
        self._config: dict[str, Any] = {}
        self._run: Message | None = None
        self._environment: dict[int, Message] = {}
        self._machine: dict[str, Any] = {}
        self._git = "", ""
        self._exits: dict[Path, int] = {}
        self._reading, self._blocks, self._damage = self._files[-1]
        self._stats = 0
        self._last = 0

    def more(self) -> None:
        """Take what the logs hold by now."""
        for path, blocks, damage in self._files:
            self._reading, self._blocks, self._damage = path, blocks, damage
            try:
                for record in blocks.fresh():
                    try:
                        self._take(record)
                    except (WireError, JsonError) as error:
                        self._failed(blocks.position, str(error))
            except UnreadError as error:
                self._log.add(str(path), str(error))
            self._history.flush()
        if self._files[-1][0] in self._exits:
            self.columns.share()

    def problems(self, *, young: bool) -> None:
        """Name what could not be read. While a log is young, its end may be still to come."""
        for path, blocks, damage in self._files:
            damage.tell(self._log)
            if blocks.torn and not young:
                what = f"ends within a record: nothing can be read from byte {blocks.position:,} on"
                self._log.add(str(path), what)
            elif not damage.good and not damage.bad and not blocks.torn:
                self._log.add(str(path), "is empty")
        if self.columns.left:
            where = str(self._files[-1][0])
            self._log.add(where, f"{self.columns.left:,} points past the bounds are left out")

    def record(self, marks: tuple[Mark, ...], now: float) -> RunRecord:
        """The run as it is known by now."""
        run = self._run or Message(b"")
        changed = max((mark.changed for mark in marks), default=0.0)
        # One that was resumed has ended when its last part has.
        code = self._exits.get(self._files[-1][0])
        status, reason = status_of(code, changed, now)
        self.problems(young=status is Status.RUNNING)
        started = run.moment(17)
        # A summary says what it wants shown; a history what was there.
        latest: dict[str, Metric] = {
            key: metric
            for key, metric in self.columns.latest().items()
            if not key.startswith(SYSTEM)
        }
        latest |= self._summary.metrics(latest)
        tags = {exact(tag.decode("utf-8", "replace")): "" for tag in run.many(10)}
        for name, text in self._facts(run):
            if text:
                tags[f"wandb.{name}"] = text
        commit, remote = self._git
        project = run.text(3) or PROJECT
        return RunRecord(
            run=Run(
                id=self.id,
                name=run.text(8) or self.id,
                experiment=project,
                status=status,
                started_at=started,
                ended_at=None if status is Status.RUNNING else self._end(started, run, changed),
                user=self._text(13),
                reason=reason,
                exit_code=code,
                note=run.text(9),
                git=commit or None,
                params={key: words(value) for key, value in flat(self._config) if key},
                tags=tags,
            ),
            experiment_id=project,
            native_id=self.id,
            latest=latest,
            lock=self._lock(commit, remote),
        )

    def _failed(self, place: int, what: str) -> None:
        self._damage.good -= 1
        self._damage.add(place, what)

    def _take(self, record: bytes) -> None:
        hot = _HOT.match(record)
        if hot:
            kind, size = hot.groups()
            at = hot.end()
            # Most have two bytes of length.
            length = size[0] & 127 | size[1] << 7 if len(size) == 2 else varint(size, 0)[0]
            payload = record[at : at + length]
            if len(payload) < length:
                raise WireError("a field of it is longer than what holds it")
            if kind == b"\x12":
                self._summary.beside(payload)
                self._history.take(payload, self._blocks.position)
            else:
                self._summary.take(payload)
            return
        message = Message(record)
        if 2 in message:
            self._history.take(message.bytes(2), self._blocks.position)
        elif 3 in message:
            self._summary.take(message.bytes(3))
        elif 7 in message:
            self._system(message.message(7))
        elif 17 in message:
            self._run = message.message(17)
            self._configure(self._run.message(4))
            self._gitted(self._run.message(21))
        elif 5 in message:
            self._configure(message.message(5))
        elif 18 in message:
            self._exits[self._reading] = message.message(18).integer(1)
        elif 26 in message:
            found = message.message(26)
            self._gitted(found.message(9))
            for field in range(1, 31):
                if field in found:
                    self._environment[field] = found

    def _configure(self, record: Message) -> None:
        for item in record.messages(1):
            nested = [part.decode("utf-8", "replace") for part in item.many(2)]
            path = nested or [item.text(1)]
            if path[0] in AXES:
                continue
            try:
                value = parse(item.bytes(16))
            except JsonError:
                value = item.text(16)
            _put(self._config, path, value)
        for item in record.messages(2):
            path = [part.decode("utf-8", "replace") for part in item.many(2)] or [item.text(1)]
            self._config.pop(path[0], None) if len(path) == 1 else None

    def _system(self, record: Message) -> None:
        time = record.micros(2) or 0
        for item in record.messages(3):
            try:
                value = number(parse(item.bytes(16)))
            except JsonError:
                value = None
            if value is None:
                self._items.skipped += 1
            else:
                self.columns.add(SYSTEM + item.text(1), self._stats, time, value)
        self._stats += 1
        self._last = max(self._last, time)

    def _gitted(self, record: Message) -> None:
        commit, remote = record.text(2), record.text(1)
        if commit:
            self._git = commit, remote

    def _text(self, field: int) -> str:
        found = self._environment.get(field)
        return found.text(field) if found is not None else ""

    def _whole(self, field: int) -> int | None:
        found = self._environment.get(field)
        return (found.integer(field) or None) if found is not None else None

    def _facts(self, run: Message) -> Iterator[tuple[str, str]]:
        yield "entity", run.text(2)
        yield "group", run.text(6)
        yield "job_type", run.text(7)
        yield "sweep", run.text(12)
        yield "host", run.text(13) or self._text(12)
        yield "program", self._text(6)
        if self._items.skipped:
            yield "not_numbers", f"{self._items.skipped}"

    def _lock(self, commit: str, remote: str) -> Lock | None:
        if not self._environment and not commit:
            return None
        memory, cpu = self._environment.get(21), self._environment.get(22)
        gpu, count = self._text(18), self._whole(19) or 1
        return Lock(
            python=self._text(2) or None,
            executable=self._text(14) or None,
            system=self._text(1) or None,
            cpu=(cpu.message(22).text(1) or None) if cpu else None,
            cpus=self._whole(17) or self._whole(16),
            memory_bytes=(memory.message(21).integer(1) or None) if memory else None,
            gpus=[gpu] * min(count, 64) if gpu else [],
            cuda=self._text(25) or None,
            git=Git(commit=commit, remote=remote or None) if commit else None,
        )

    def _end(self, started: datetime | None, run: Message, changed: float) -> datetime | None:
        """When the run last said something: of its points, else of its file."""
        times = [points.times[-1] for points in self.columns.points.values() if points]
        last = max([*times, self._last], default=0)
        if not last:
            return from_micros(int(changed * 1e6)) if changed else started
        return from_micros(max(last, to_micros(started) if started else last))


def project_in(path: Path) -> str:
    """The project that the first records of a log name."""
    try:
        for record in islice(Blocks(path, Damage(path)).fresh(), HEAD):
            message = Message(record)
            if 17 in message:
                return message.message(17).text(3) or PROJECT
    except (WireError, UnreadError):
        pass
    return PROJECT


def _put(config: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1][:16]:
        inner = config.get(part)
        if not isinstance(inner, dict):
            inner = config[part] = {}
        config = inner
    config[path[-1]] = value
