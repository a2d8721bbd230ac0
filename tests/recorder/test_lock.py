"""A lock says what a run really has, and capturing it runs nothing of the project's."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import msgspec
import pytest

from modeldeck.app.recorder.hardware import gpus
from modeldeck.app.recorder.interpreter import interpreter, python_of
from modeldeck.app.recorder.lock import capture, lock_digest
from modeldeck.backends.api.runs import Git, Lock


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.mark.real
def test_our_own_interpreter_and_packages(tmp_path):
    lock, diff = capture(tmp_path)
    assert lock.python == sys.version.split()[0]
    assert lock.executable == sys.executable
    assert diff is None
    assert lock.git is None
    found = {package.name.lower(): package for package in lock.packages}
    assert len(found) == len(lock.packages)
    assert [p.name.lower() for p in lock.packages] == sorted(found)
    for distribution in importlib.metadata.distributions():
        assert found[distribution.metadata["Name"].lower()].version == distribution.version
    msgspec_dist = importlib.metadata.distribution("msgspec")
    record = msgspec_dist.locate_file(f"msgspec-{msgspec_dist.version}.dist-info/RECORD")
    digest = hashlib.sha256(Path(record).read_bytes()).hexdigest()
    assert found["msgspec"].record == f"sha256:{digest}"
    assert lock.memory_bytes > 1 << 20
    assert lock.cpus == os.cpu_count()
    assert lock.system
    assert lock.machine


@pytest.mark.real
def test_another_interpreter_is_asked_for_itself(tmp_path):
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    (site,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    for name, version in (("Own_Thing", "1.5"), ("edited", "2")):
        info = site / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n"
        )
    (site / "Own_Thing-1.5.dist-info" / "RECORD").write_bytes(b"x,,\r\n")
    url = {"url": "https://me:secret@host/x.git", "dir_info": {"editable": True}}
    (site / "edited-2.dist-info" / "direct_url.json").write_text(json.dumps(url))
    # What lies in the working directory is not imported by the question.
    (tmp_path / "json.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    lock, _ = capture(tmp_path, str(python))
    assert lock.executable == str(python)
    found = {p.name: (p.version, p.record) for p in lock.packages}
    assert found == {
        "Own_Thing": ("1.5", "sha256:" + hashlib.sha256(b"x,,\r\n").hexdigest()),
        "edited": ("2", None),
    }
    assert lock.extra["editable"] == {"edited": "https://host/x.git"}
    assert not (tmp_path / "canary").exists()


@pytest.mark.real
def test_packages_on_the_python_path_count(tmp_path, monkeypatch):
    (tmp_path / "lib" / "found-3.dist-info").mkdir(parents=True)
    (tmp_path / "lib" / "found-3.dist-info" / "METADATA").write_text("Name: found\nVersion: 3\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lib"))
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    lock, _ = capture(tmp_path, str(tmp_path / "env" / "bin" / "python"))
    assert [(p.name, p.version) for p in lock.packages] == [("found", "3")]


@pytest.mark.parametrize(
    "text",
    [
        "#!/bin/sh\nexit 3\n",
        "#!/bin/sh\necho nonsense\n",
        "#!/bin/sh\necho '{\"python\": 3}'\n",
        "#!/bin/sh\nhead -c 20000000 /dev/zero\n",
    ],
)
def test_an_interpreter_that_does_not_answer_is_not_known(tmp_path, text):
    python = script(tmp_path / "python", text)
    lock, _ = capture(tmp_path, str(python))
    assert (lock.python, lock.packages) == (None, ())
    assert lock.extra["untold"]["python"] == "it did not answer"


def test_a_command_that_is_no_python_has_no_packages(tmp_path):
    assert interpreter("", tmp_path) is None
    assert capture(tmp_path, "")[0].packages == ()


def test_the_first_word_names_the_interpreter(tmp_path, monkeypatch):
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    python = str(script(bin_dir / "python3.12", ""))
    env = script(bin_dir / "by-env", "#!/usr/bin/env -S python3.12 -u\n")
    direct = script(bin_dir / "direct", f"#!{python} -I\n")
    long = script(bin_dir / "long", f"#!/bin/sh\n'''exec' {python} \"$0\" \"$@\"\n' '''\n")
    shell = script(bin_dir / "shell", "#!/bin/sh\npython train.py\n")
    monkeypatch.setenv("PATH", f"{bin_dir}:/usr/bin:/bin")
    for word in ("python3.12", "by-env", str(env), str(direct), "bin/direct", str(long)):
        assert python_of([word, "x.py"], tmp_path) == python, word
    for command in ([str(shell)], ["make"], ["bin/nothing"], [], [str(tmp_path)]):
        assert python_of(command, tmp_path) == "", command


def test_a_pipe_in_place_of_a_script_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe", 0o755)
    assert python_of(["./pipe"], tmp_path) == ""


def test_gpus_are_those_that_the_driver_tells_of(tmp_path, monkeypatch):
    script(
        tmp_path / "nvidia-smi",
        '#!/bin/sh\ncase "$1" in --query*) echo "H100, 81559 MiB, 550.1";;\n'
        '*) echo "| Driver Version: 550.1   CUDA Version: 12.4  |";; esac\n',
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus() == (("H100, 81559 MiB, 550.1",), "12.4")
    script(tmp_path / "nvidia-smi", "#!/bin/sh\necho 'has failed'; exit 9\n")
    assert gpus() == ((), None)
    monkeypatch.setenv("PATH", "")
    assert gpus() == ((), None)


def test_a_digest_is_of_everything_but_where_the_diff_is_saved():
    git = Git(commit="abc", dirty=True, diff="here.diff")
    lock = Lock(python="3.11.1", git=git, extra={"b": 1, "a": 2})
    moved = msgspec.structs.replace(git, diff="there.diff")
    same = msgspec.structs.replace(lock, git=moved, extra={"a": 2, "b": 1})
    assert lock_digest(lock) == lock_digest(same)
    assert lock_digest(lock).startswith("sha256:")
    other = msgspec.structs.replace(lock, git=msgspec.structs.replace(git, commit="abd"))
    assert lock_digest(lock) != lock_digest(other)
    assert lock_digest(lock) != lock_digest(msgspec.structs.replace(lock, python="3.11.2"))
    again = msgspec.json.decode(msgspec.json.encode(lock), type=Lock)
    assert lock_digest(again) == lock_digest(lock)


def test_importing_the_recorder_brings_nothing_heavy():
    folder = Path(capture.__code__.co_filename).parent
    names = [f"modeldeck.app.recorder.{file.stem}" for file in folder.glob("[a-z]*.py")]
    code = f"import sys, {', '.join(names)}; print(*{{m.split('.')[0] for m in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "scipy", "sklearn", "skops", "textual", "httpx", "sqlite_utils", "pip"}
    assert set(done.stdout.split()) & heavy == set()
