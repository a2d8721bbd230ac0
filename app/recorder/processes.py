"""Whether a process that was started earlier, perhaps before a reboot, still runs."""

import os
import socket
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_DEAD = "ZX"


def host() -> str:
    """The name of this machine."""
    return socket.gethostname()


def birth(pid: int) -> str:
    """What tells a process from a later one of the same number; empty when it does not run."""
    found = _status(pid)
    if found is None:
        return "" if _BOOT.exists() else _portable_birth(pid)
    state, _, started = found
    return "" if state in _DEAD else f"{_boot()} {started}"


def alive(pid: int, born: str) -> bool:
    """Whether the process `pid` that was `born` so runs, or another of the group that it leads."""
    now = birth(pid)
    if now:
        return now == born
    # The number of a leader is not given away while its group has members. After a reboot any
    # group may have it.
    return _boot() == born.partition(" ")[0] and _has_members(pid)


def _boot() -> str:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return "-"


def _status(pid: int) -> tuple[str, int, str] | None:
    """State letter, process group and start in ticks since boot of a process of Linux."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name stands in parentheses and may hold anything, parentheses too.
    words = text.rpartition(b")")[2].decode("ascii").split()
    return words[0], int(words[2]), words[19]


def _has_members(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if not _BOOT.exists():
        return True
    numbers = (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208
    found = (_status(pid) for pid in numbers)
    return any(one is not None and one[1] == group and one[0] not in _DEAD for one in found)


def _portable_birth(pid: int) -> str:
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return f"- {process.create_time():.2f}"
    except psutil.Error:
        return ""
