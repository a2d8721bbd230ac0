"""The machine a run has: system, processor, memory, GPUs. None where it could not be told."""

import os
import platform
import re
import sys
from pathlib import Path

from msgspec import Struct

from .ask import ask, program

_CUDA = re.compile(rb"CUDA (?:UMD )?Version\s*:\s*([0-9.]+)")
_MODEL = re.compile(r"^model name\s*:\s*(.+)$", re.MULTILINE)
_TEXT = 1 << 16


class Hardware(Struct, frozen=True, kw_only=True):
    """What the machine says of itself."""

    system: str | None = None
    machine: str | None = None
    cpu: str | None = None
    cpus: int | None = None
    memory_bytes: int | None = None


def hardware() -> Hardware:
    """The machine, without its GPUs."""
    return Hardware(
        system=_system(),
        machine=os.uname().machine,
        cpu=_cpu(),
        cpus=os.cpu_count(),
        memory_bytes=_memory(),
    )


def gpus() -> tuple[tuple[str, ...], str | None]:
    """A line of name, memory and driver for each GPU that nvidia-smi knows; the CUDA version."""
    path = program("nvidia-smi")
    if path is None:
        return (), None
    asked = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    answer = ask([path, *asked], cwd="/", limit=_TEXT, seconds=10)
    if answer is None or not answer.good:
        return (), None
    lines = answer.output.decode("utf-8", "replace").splitlines()
    found = tuple(line.strip() for line in lines if line.strip())
    if not found:
        return (), None
    whole = ask([path], cwd="/", limit=_TEXT, seconds=10)
    cuda = _CUDA.search(whole.output) if whole is not None else None
    return found, cuda[1].decode() if cuda else None


def _system() -> str:
    name = os.uname()
    kernel = f"{name.sysname} {name.release}"
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}, {kernel}"
    try:
        return f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {kernel}"
    except (OSError, KeyError, UnicodeDecodeError):
        return kernel


def _cpu() -> str | None:
    if sys.platform == "darwin":
        answer = ask(["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"], limit=_TEXT)
        text = answer.output.decode("utf-8", "replace").strip() if answer and answer.good else ""
        return text or None
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            found = _MODEL.search(file.read(_TEXT))
    except OSError:
        return None
    return found[1].strip() if found else None


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None
