"""Figures of the machine: of real processes, and of what tools for GPUs write."""

import subprocess
import sys

import pytest

from modeldeck.app.recorder import system
from modeldeck.app.recorder.system import System, gpu_reader, of_amd, of_nvidia

BUSY = "import subprocess, sys\nprint('on', flush=True)\nwhile True: pass"
NVIDIA = "0, 37, 1024, 71.50, 55\n1, [N/A], 2048, [Not Supported], 61\nNo devices\n"


@pytest.fixture
def busy():
    process = subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE)
    process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.mark.real
def test_a_process_and_all_below_it_are_measured(busy, monkeypatch):
    monkeypatch.setattr(system, "gpu_reader", lambda: None)
    seconds = iter([0.0, 4.0, 5.0, 5.0, 5.0, 9.5, 9.5])
    watched = System(busy.pid, seconds=lambda: next(seconds), clock=lambda: 7)
    assert not watched.due
    assert watched.due
    found = watched.look()
    assert set(found) == {"system/cpu_percent", "system/memory_bytes", "system/processes"}
    assert all((list(p.steps), list(p.times)) == ([5], [7]) for p in found.values())
    assert found["system/processes"].values[0] == 1
    assert 1e6 < found["system/memory_bytes"].values[0] < 1e10
    assert found["system/cpu_percent"].values[0] > 0
    busy.kill()
    busy.wait()
    assert watched.look() == {}


def test_what_nvidia_writes():
    assert of_nvidia(NVIDIA) == {
        "gpu.0.percent": 37, "gpu.0.memory_bytes": 1 << 30, "gpu.0.watts": 71.5,
        "gpu.0.celsius": 55, "gpu.1.memory_bytes": 2 << 30, "gpu.1.celsius": 61,
    }  # fmt: skip
    assert of_nvidia("") == of_nvidia("\n\n") == {}


def test_what_rocm_writes():
    text = '{"card0": {"GPU use (%)": "12", "VRAM Total Used Memory (B)": "99"}, "system": {}}'
    assert of_amd(text) == {"gpu.0.percent": 12, "gpu.0.memory_bytes": 99}
    assert of_amd("{") == of_amd("[]") == of_amd('{"card0": 3}') == {}


def tool(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_tool_is_asked_with_words_and_once_more_only_if_it_answered(tmp_path, monkeypatch, busy):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpu_reader() is None
    tool(tmp_path, "nvidia-smi", f'/bin/echo "$@" >> {tmp_path}/asked; /bin/echo "0, 5, 1, 2, 3"')
    watched = System(busy.pid)
    assert watched.look()["system/gpu.0.percent"].values[0] == 5
    tool(tmp_path, "nvidia-smi", f"/bin/echo again >> {tmp_path}/asked; exit 9")
    assert "system/cpu_percent" in watched.look()
    assert "system/gpu.0.percent" not in watched.look()
    asked = (tmp_path / "asked").read_text().splitlines()
    assert len(asked) == 2
    assert asked[0].startswith("--query-gpu=index,utilization.gpu")


def test_one_that_hangs_is_given_up(tmp_path, monkeypatch, busy):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(system, "DEADLINE", 0.2)
    tool(tmp_path, "nvidia-smi", "exec /bin/sleep 60")
    assert "system/cpu_percent" in System(busy.pid).look()
