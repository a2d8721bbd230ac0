"""Figures of the machine while a command runs: its processes' share of it, and the GPUs.

    system/cpu_percent            of one processor, all processes together: 250 is two and a half
    system/memory_bytes           resident, all processes together; what they share counts in each
    system/processes
    system/gpu.N.percent, .memory_bytes, .watts, .celsius    of the whole GPU (nvidia-smi, rocm-smi)

The step of a point is the second since the first look, so that it means the same in all of them.
"""

import json
import math
import time
from array import array
from collections.abc import Callable, Mapping
from typing import Any

from modeldeck.backends.api.runs import SYSTEM, Points

from .ask import ask, program
from .follow import now

EVERY = 5.0
"""Seconds between two looks."""
DEADLINE = 2.0
"""Seconds for which a look waits for the GPUs."""
MOST_GPUS = 16
_LIMIT = 1 << 16
_MEBIBYTE = 1 << 20
_NVIDIA = (
    "--query-gpu=index,utilization.gpu,memory.used,power.draw,temperature.gpu",
    "--format=csv,noheader,nounits",
)
_NVIDIA_NAMES = (("percent", 1.0), ("memory_bytes", _MEBIBYTE), ("watts", 1.0), ("celsius", 1.0))
_AMD = ("--showuse", "--showmeminfo", "vram", "--json")
_AMD_NAMES = {"GPU use (%)": "percent", "VRAM Total Used Memory (B)": "memory_bytes"}


class System:
    """Looks at a process, and at all that it started, now and then.

    `seconds` gives a time that only grows, `clock` microseconds since 1970.
    """

    def __init__(
        self,
        pid: int,
        *,
        seconds: Callable[[], float] = time.monotonic,
        clock: Callable[[], int] = now,
    ) -> None:
        self._pid = pid
        self._seconds, self._clock = seconds, clock
        self._begin = self._last = seconds()
        self._used: dict[tuple[int, float], float] = {}
        self._gpus: Callable[[], Mapping[str, float]] | None = None
        self._looked = False

    @property
    def due(self) -> bool:
        """Whether it is time to look again."""
        return self._seconds() - self._last >= EVERY

    def look(self) -> Mapping[str, Points]:
        """One point of each series; none when the process is gone. It may take `DEADLINE`."""
        at, passed = self._seconds(), self._seconds() - self._last
        self._last = at
        found = self._processes(passed)
        if not found:
            return {}
        found |= self._of_gpus()
        step, moment = round(at - self._begin), self._clock()
        return {
            SYSTEM + name: Points(array("q", [step]), array("q", [moment]), array("d", [value]))
            for name, value in found.items()
        }

    def _processes(self, passed: float) -> dict[str, float]:
        import psutil

        used: dict[tuple[int, float], float] = {}
        memory = 0
        try:
            top = psutil.Process(self._pid)
            processes = [top, *top.children(recursive=True)]
        except psutil.Error:
            return {}
        for process in processes:
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    memory += process.memory_info().rss
                    used[process.pid, process.create_time()] = times.user + times.system
            except psutil.Error:
                continue
        if not used:
            return {}
        # What one used before the last look is not of this interval; a new one is all new.
        spent = sum(seconds - self._used.get(one, 0.0) for one, seconds in used.items())
        self._used = used
        share = max(spent, 0.0) / passed * 100 if passed > 0 else 0.0
        return {
            "cpu_percent": share,
            "memory_bytes": float(memory),
            "processes": float(len(used)),
        }

    def _of_gpus(self) -> Mapping[str, float]:
        if not self._looked:
            self._looked = True
            self._gpus = gpu_reader()
        if self._gpus is None:
            return {}
        found = self._gpus()
        if not found:
            # A tool that has no GPU, or does not answer, is not asked again.
            self._gpus = None
        return found


def gpu_reader() -> Callable[[], Mapping[str, float]] | None:
    """What reads the figures of the GPUs of this machine, if it has a tool for that."""
    for name, words, read in (
        ("nvidia-smi", _NVIDIA, of_nvidia),
        ("rocm-smi", _AMD, of_amd),
    ):
        path = program(name)
        if path is not None:
            return _reader([path, *words], read)
    return None


def _reader(
    command: list[str], read: Callable[[str], Mapping[str, float]]
) -> Callable[[], Mapping[str, float]]:
    def figures() -> Mapping[str, float]:
        answer = ask(command, cwd="/", limit=_LIMIT, seconds=DEADLINE)
        if answer is None or not answer.good:
            return {}
        return read(answer.output.decode("utf-8", "replace"))

    return figures


def of_nvidia(text: str) -> Mapping[str, float]:
    """The figures in what nvidia-smi wrote; `[N/A]` and the like are left out."""
    found: dict[str, float] = {}
    for line in text.splitlines()[:MOST_GPUS]:
        index, *values = (word.strip() for word in line.split(","))
        if not index.isdigit():
            continue
        for (name, scale), value in zip(_NVIDIA_NAMES, values, strict=False):
            number = _number(value)
            if number is not None:
                found[f"gpu.{int(index)}.{name}"] = number * scale
    return found


def of_amd(text: str) -> Mapping[str, float]:
    """The figures in what rocm-smi wrote as JSON."""
    try:
        cards = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    found: dict[str, float] = {}
    for card, figures in list(cards.items())[:MOST_GPUS] if isinstance(cards, dict) else []:
        index = card.removeprefix("card")
        if not index.isdigit() or not isinstance(figures, dict):
            continue
        for key, name in _AMD_NAMES.items():
            number = _number(figures.get(key))
            if number is not None:
                found[f"gpu.{int(index)}.{name}"] = number
    return found


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
