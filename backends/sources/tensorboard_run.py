"""One run of TensorBoard as its event files hold it, read on as they grow."""

import re
import struct
from pathlib import Path
from typing import Any

from ..api.ingest import RunRecord
from ..api.runs import Run, Status
from ..api.text import exact
from ..api.times import from_micros
from .columns import Columns, micros
from .damage import Damage
from .following import Mark
from .json_values import MAX_TEXT, words
from .log_source import status_of
from .problems import ProblemLog
from .store_files import UnreadError
from .tensors import scalar, texts
from .tfrecords import TfRecords
from .wire import Message, WireError, as_text, signed, varint

TEXT = "text"
_START = 1  # SessionLog.START: what was written from this step on counts no more.
_SUCCESS, _FAILURE = 1, 2
MAX_TAGS = 100_000
# An event with one simple value: its time, its step, the summary with tag and value.
_SIMPLE = re.compile(
    rb"\t(.{8})(?:\x10([\x80-\xff]{0,9}[\x00-\x7f]))?\*(.)\n(.)\n(.)(.*)\x15(.{4})", re.DOTALL
)
_TIME, _VALUE = struct.Struct("<d"), struct.Struct("<f")


class TensorBoardRun:
    """What the event files at `paths`, in order of their names, say of one run."""

    def __init__(
        self, run_id: str, name: str, experiment: str, paths: tuple[Path, ...], log: ProblemLog
    ) -> None:
        self.id = run_id
        self.name = name
        self.experiment = experiment
        self.columns = Columns()
        self._log = log
        self._files = [(path, TfRecords(path, damage := Damage(path)), damage) for path in paths]
        self._plugins: dict[str, str] = {}
        self._keys: dict[bytes, str] = {}
        self._passed: dict[str, int] = {}
        self._params: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self._first: int | None = None
        self._last = 0
        self._exit: int | None = None

    def more(self) -> None:
        """Take what the files hold by now."""
        for path, records, damage in self._files:
            try:
                for record in records.fresh():
                    try:
                        if not self._simple(record):
                            self._take(Message(record))
                    except WireError as error:
                        damage.good -= 1
                        damage.add(records.position - len(record) - 16, str(error))
            except UnreadError as error:
                self._log.add(str(path), str(error))

    def record(self, marks: tuple[Mark, ...], now: float) -> RunRecord:
        """The run as it is known by now. No end is noted but by the hparams plugin."""
        changed = max((mark.changed for mark in marks), default=0.0)
        status, reason = status_of(self._exit, changed, now)
        if status is Status.KILLED:
            status, reason = Status.FINISHED, None
        elif status is Status.FAILED:
            reason = "it noted that it failed"
        for path, records, damage in self._files:
            damage.tell(self._log)
            if records.torn and status is not Status.RUNNING:
                what = (
                    f"ends within a record: nothing can be read from byte {records.position:,} on"
                )
                self._log.add(str(path), what)
            elif not damage.good and not damage.bad and not records.torn:
                self._log.add(str(path), "is empty")
        if self.columns.left:
            where = str(self._files[-1][0])
            self._log.add(where, f"{self.columns.left:,} points past the bounds are left out")
        tags = dict(self._texts)
        for kind, count in sorted(self._passed.items()):
            tags[f"tensorboard.{kind}"] = f"{count} not shown"
        last = from_micros(self._last) if self._last else None
        return RunRecord(
            run=Run(
                id=self.id,
                name=self.name,
                experiment=self.experiment,
                status=status,
                reason=reason,
                started_at=None if self._first is None else from_micros(self._first),
                ended_at=None if status is Status.RUNNING else last,
                params=self._params,
                tags=tags,
            ),
            experiment_id=self.experiment,
            native_id=self.id,
            latest=self.columns.latest(),
        )

    def _simple(self, record: bytes) -> bool:
        """Take the record when it is one plain value, as nearly all are."""
        found = _SIMPLE.fullmatch(record)
        if found is None:
            return False
        tag, length = found[6], len(found[6])
        # The lengths of summary, value and tag must be those that are there.
        if found[5][0] != length or found[4][0] != length + 7 or found[3][0] != length + 9:
            return False
        step = signed(varint(found[2], 0)[0]) if found[2] else 0
        key = self._keys.get(tag)
        if key is None:
            key = self._key(tag)
        time = self._seen(_TIME.unpack(found[1])[0])
        self.columns.add(key, step, time, _VALUE.unpack(found[7])[0])
        return True

    def _take(self, event: Message) -> None:
        time = self._seen(event.double(1))
        step = event.integer(2)
        if 7 in event and event.message(7).integer(1) == _START:
            self.columns.purge(step)
        for value in event.message(5).messages(1):
            self._value(value, step, time)

    def _value(self, value: Message, step: int, time: int) -> None:
        tag = value.text(1)
        metadata = value.message(9).message(1)
        plugin = metadata.text(1)
        if plugin and len(self._plugins) < MAX_TAGS:
            self._plugins.setdefault(tag, plugin)
        plugin = self._plugins.get(tag, plugin)
        simple = value.single(2)
        if plugin == "hparams":
            self._hparams(metadata.message(2))
        elif simple is not None:
            self.columns.add(tag, step, time, simple)
        elif 8 in value and plugin == TEXT:
            if len(self._texts) < MAX_TAGS:
                name = tag.removesuffix("/text_summary")
                self._texts[name] = exact("\n".join(texts(value.message(8)))[:MAX_TEXT])
        elif 8 in value and plugin in ("scalars", ""):
            number = scalar(value.message(8))
            if number is None:
                self._pass("tensors")
            else:
                self.columns.add(tag, step, time, number)
        else:
            self._pass(plugin or _kind(value))

    def _hparams(self, data: Message) -> None:
        """What the hparams plugin notes at the start and the end of a run."""
        for entry in data.message(3).messages(1):
            if len(self._params) < MAX_TAGS:
                self._params[entry.text(1)] = words(_plain(entry.message(2)))
        if 4 in data:
            status = data.message(4).integer(1)
            self._exit = {_SUCCESS: 0, _FAILURE: 1}.get(status, self._exit)

    def _pass(self, kind: str) -> None:
        if kind in self._passed or len(self._passed) < 100:
            self._passed[kind] = self._passed.get(kind, 0) + 1

    def _key(self, tag: bytes) -> str:
        key = as_text(tag)
        if len(self._keys) < MAX_TAGS:
            self._keys[tag] = key
        return key

    def _seen(self, seconds: float | None) -> int:
        time = micros(seconds)
        if time is None:
            return 0
        if self._first is None or time < self._first:
            self._first = time
        self._last = max(self._last, time)
        return time


def _kind(value: Message) -> str:
    kinds = {3: "histograms", 4: "images", 5: "histograms", 6: "audio"}
    return next((kind for field, kind in kinds.items() if field in value), "others")


def _plain(value: Message) -> Any:
    """A `google.protobuf.Value` that is no list and no mapping."""
    number = value.double(2)
    if number is not None:
        return int(number) if number.is_integer() and abs(number) < 1 << 53 else number
    if 3 in value:
        return value.text(3)
    return bool(value.integer(4)) if 4 in value else None
