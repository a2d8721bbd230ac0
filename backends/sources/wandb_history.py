"""The history and summary records of W&B, most of which have one plain shape read at once."""

import re
from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any
from zlib import adler32

from ..api.runs import Metric
from ..api.times import from_micros
from .columns import MAX_KEYS, Columns, clamped, micros
from .json_values import JsonError, flat, number, parse
from .wire import Message, WireError, as_text

STEP, TIME = "_step", "_timestamp"
AXES = frozenset((STEP, TIME, "_runtime", "_wandb"))
TOGETHER = 1 << 18
"""Histories are read together once they have so many bytes."""
FEW = 16
"""Fewer than these are read one by one."""
# An item: its key (1) or the only part of it (2), below 128 bytes, and a JSON number (16).
_ITEM = re.compile(
    rb"\n[\x00-\x7f][\n\x12][\x01-\x7f]([ -~]++)"
    rb"\x82\x01[\x01-\x7f](-?+(?:[0-9][-+.0-9eE]*+|Infinity|NaN))",
    re.DOTALL,
)
# A summary that says no more than how long the run has been running.
_CLOCK = re.compile(
    rb"(?:\n.(?:\x12\x06_wandb\x12\x07runtime|[\n\x12]\x08_runtime)\x82\x01.[0-9][-+.0-9eE]*+)++",
    re.DOTALL,
)
_AROUND = 7  # Bytes of such an item beside its key and its number.


class Items:
    """Reads items to names and values. `skipped` counts values that are no numbers."""

    def __init__(self) -> None:
        self.skipped = 0
        self._names: dict[bytes, str] = {}

    def plain(self, payload: bytes) -> dict[bytes, bytes] | None:
        """The raw keys and numbers of a payload of plain items; None when it is another one."""
        found = dict(_ITEM.findall(payload))
        size = len(b"".join(found)) + len(b"".join(found.values())) + _AROUND * len(found)
        # What may follow the items is the step, a message of one small number.
        if size == len(payload) or step_follows(payload, size):
            return found
        return None

    def name(self, raw: bytes) -> str:
        """The name that a raw key spells."""
        found = self._names.get(raw)
        if found is None:
            found = raw.decode("ascii")
            if len(self._names) < MAX_KEYS:
                self._names[raw] = found
        return found

    def slow(self, item: Message) -> list[tuple[str, Any]]:
        """The leaves of any item: its name and JSON value each."""
        name = ".".join(_parts(item))
        if 16 in item:
            value = parse(item.bytes(16))
        elif 5 in item:
            raw = item.integer(5)
            # A zigzag number: https://protobuf.dev/programming-guides/encoding/#signed-ints
            value = (raw >> 1 & 0x7FFF_FFFF_FFFF_FFFF) ^ -(raw & 1)
        elif 6 in item:
            value = item.double(6)
        elif 4 in item:
            value = bool(item.integer(4))
        elif 8 in item:
            value = parse(item.bytes(8))
        else:
            value = item.text(7) if 7 in item else None
        if isinstance(value, dict) and "_type" not in value:
            return list(flat(value, name))
        return [(name, value)]


class History:
    """Points of history records, which are kept until they are many: then they are read at once.

    `failed` is told where a record that is none begins, and why.
    """

    def __init__(self, columns: Columns, items: Items, failed: Callable[[int, str], None]) -> None:
        self._columns = columns
        self._items = items
        self._failed = failed
        self._records: list[bytes] = []
        self._places: list[int] = []
        self._size = 0
        self._many = False
        self._step = -1

    def take(self, payload: bytes, place: int) -> None:
        """One record, which ends at `place`."""
        self._records.append(payload)
        self._places.append(place)
        self._size += len(payload)
        if self._size >= TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Turn the records that are kept into points."""
        records, places = self._records, self._places
        self._records, self._places, self._size = [], [], 0
        if records:
            self._read(records, places)

    def _read(self, records: Sequence[bytes], places: Sequence[int]) -> None:
        end = 0
        for plain, run in groupby(self._quickly(records)):
            begin, end = end, end + len(list(run))
            if plain:
                self._read(records[begin:end], places[begin:end])
                continue
            for record, place in zip(records[begin:end], places[begin:end], strict=True):
                try:
                    self._slowly(Message(record))
                except (WireError, JsonError) as error:
                    self._failed(place, str(error))

    def _quickly(self, records: Sequence[bytes]) -> Sequence[bool]:
        """Take the points of all records; else which of them may be taken so without the others."""
        slowly = [False] * len(records)
        if len(records) < FEW and not self._many:
            return slowly
        self._many = True
        from .wandb_bulk import Table, table_of

        found = table_of(records)
        if not isinstance(found, Table):
            flags: list[bool] = found.tolist()
            return flags
        series = [one for one in found.series if one[0].partition(".")[0] not in AXES]
        if not self._columns.fit([name for name, _, _ in series], sum(len(v) for *_, v in series)):
            return slowly
        steps, times = array("q", found.steps.tobytes()), array("q", found.times.tobytes())
        whole = {
            name: array("d", values.tobytes()) for name, there, values in series if there is None
        }
        self._columns.extend_together(steps, times, whole)
        for name, there, values in series:
            if there is not None:
                self._columns.extend(
                    name,
                    array("q", found.steps[there].tobytes()),
                    array("q", found.times[there].tobytes()),
                    array("d", values.tobytes()),
                )
        self._step = steps[-1]
        return []

    def _slowly(self, record: Message) -> None:
        values: dict[str, Any] = {}
        for item in record.messages(1):
            try:
                values.update(self._items.slow(item))
            except JsonError:
                self._items.skipped += 1
        step = number(values.get(STEP))
        if step is None or not abs(step) < 1 << 63:
            step = record.message(2).integer(1) if 2 in record else self._step + 1
        self._step = clamped(int(step))
        time = micros(number(values.get(TIME))) or 0
        for name, value in values.items():
            if name.partition(".")[0] in AXES:
                continue
            figure = number(value)
            if figure is None:
                self._items.skipped += 1
            else:
                self._columns.add(name, self._step, time, figure)


def step_follows(payload: bytes, size: int) -> bool:
    """Whether all that comes after `size` bytes of a history is its step."""
    rest = len(payload) - size
    return 2 <= rest <= 13 and payload[size] == 0x12 and payload[size + 1] == rest - 2


class Summary:
    """The latest values that a run gives as its own."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self._waiting = b""
        self._again = b""
        self._values: dict[str, Any] = {}
        self._steps: dict[str, float | None] = {}

    def take(self, payload: bytes) -> None:
        """One record of updates and removals, kept until it is known whether it says anything."""
        if _CLOCK.fullmatch(payload) is None:
            self._next()
            self._waiting = payload

    def beside(self, history: bytes) -> None:
        """The history that follows a summary.

        W&B writes each history first as a summary, in another order. Reading that costs more than
        the history, and of many in a row only the last one counts.
        """
        size = len(self._waiting)
        if size and step_follows(history, size) and _mixed(self._waiting) == _mixed(history[:size]):
            self._again, self._waiting = self._waiting, b""

    def _next(self) -> None:
        waiting, self._waiting = self._waiting, b""
        if waiting:
            self._repeat()
            self._apply(waiting)

    def _repeat(self) -> None:
        again, self._again = self._again, b""
        if again:
            self._apply(again)

    def _apply(self, payload: bytes) -> None:
        found = self._items.plain(payload)
        if found is not None:
            self._update({self._items.name(raw): _float(value) for raw, value in found.items()})
            return
        record = Message(payload)
        values: dict[str, Any] = {}
        for item in record.messages(1):
            try:
                values.update(self._items.slow(item))
            except JsonError:
                self._items.skipped += 1
        self._update(values)
        for item in record.messages(2):
            gone = ".".join(_parts(item))
            for name in [n for n in self._values if n == gone or n.startswith(f"{gone}.")]:
                del self._values[name]

    def _update(self, values: Mapping[str, Any]) -> None:
        self._values.update(values)
        # What a history says later counts, though the summary before it is not read.
        self._steps.update(dict.fromkeys(values, number(self._values.get(STEP))))

    def metrics(self, logged: Mapping[str, Metric]) -> dict[str, Metric]:
        """Each number that the summary has and `logged`, the latest of the history, has not.

        They have the run's last step and time.
        """
        self._next()
        self._repeat()
        step = number(self._values.get(STEP)) or 0
        time = micros(number(self._values.get(TIME)))
        last = clamped(int(step)) if abs(step) < 1 << 63 else 0
        at = None if time is None else from_micros(time)
        found = {name: number(value) for name, value in self._values.items()}
        return {
            name: Metric(value, last, at)
            for name, value in found.items()
            if value is not None and name.partition(".")[0] not in AXES
            if name not in logged or self._differs(name, value, logged[name])
        }

    def _differs(self, name: str, value: float, logged: Metric) -> bool:
        """Whether it says another value of a metric, and not before that was logged."""
        if value == logged.value or (value != value and logged.value != logged.value):
            return False
        since = self._steps[name]
        # It came before the first step, or no summary has any.
        return STEP not in self._values if since is None else since >= logged.step


def _mixed(payload: bytes) -> int:
    """The sum of the bytes: the same in any order of the items."""
    return adler32(payload) & 0xFFFF


def _parts(item: Message) -> list[str]:
    """A key's parts: nested ones, else the whole key."""
    return [as_text(part) for part in item.many(2)] or [item.text(1)]


def _float(word: bytes) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")
