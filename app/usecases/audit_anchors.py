"""Checkpoints put where whoever may change the registry may not: a file, a git repository.

Each is a line of JSON with `time` and `checkpoint`, or in git a file of its own, which holds the
note as it is.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from modeldeck.backends.api.errors import ModeldeckError, UnreachableError, UsageError
from modeldeck.backends.api.times import rfc3339
from modeldeck.backends.api.trail import Kept, Mark

from ..config.contexts import expanded
from ..config.settings import Anchor

LARGEST = 64 << 20
_WAIT = 30.0
_FOLDER = "modeldeck-checkpoints"


class Anchored(Struct, frozen=True):
    """What became of a checkpoint at one place; `trouble` is empty when it stands there."""

    place: str
    trouble: str = ""


class Anchors:
    """The places that `config.toml` names. All of it blocks."""

    def __init__(self, anchors: Sequence[Anchor]) -> None:
        self._anchors = anchors

    def put(self, kept: Kept) -> Sequence[Anchored]:
        """Put a checkpoint everywhere; one place that is away keeps it from no other."""
        found = []
        for one in self._anchors:
            place = f"{one.type} {one.path}"
            try:
                (_put_file if one.type == "file" else _put_git)(one, kept)
            except (ModeldeckError, OSError) as error:
                found.append(Anchored(place, str(error)))
            else:
                found.append(Anchored(place))
        return found

    def put_all(self, kept: Kept) -> None:
        """`put`, where nobody looks at the answer: UnreachableError names what went wrong."""
        wrong = [f"{one.place}: {one.trouble}" for one in self.put(kept) if one.trouble]
        if wrong:
            raise UnreachableError(f"the checkpoint is not anchored: {'; '.join(wrong)}")

    def marks(self) -> Sequence[Mark]:
        """Every checkpoint that can be read back, and the places that cannot."""
        found: list[Mark] = []
        for one in self._anchors:
            try:
                found += _read_file(one) if one.type == "file" else _read_git(one)
            except (ModeldeckError, OSError) as error:
                place = f"{one.type} {one.path}"
                found.append(Mark(place=place, note="", outside=True, trouble=str(error)))
        return found


def _put_file(anchor: Anchor, kept: Kept) -> None:
    path = _path(anchor)
    line = json.dumps({"time": rfc3339(kept.time), "checkpoint": kept.text}) + "\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    handle = os.open(path, flags, 0o644)
    try:
        os.write(handle, line.encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def _read_file(anchor: Anchor) -> Sequence[Mark]:
    path = _path(anchor)
    if not path.exists():
        return []
    if path.stat().st_size > LARGEST:
        raise UsageError("is larger than a file of checkpoints can be", where=str(path))
    found = []
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        place = f"file {path}, line {number}"
        try:
            row = json.loads(line)
            note, time = str(row["checkpoint"]), datetime.fromisoformat(row["time"])
        except (ValueError, KeyError, TypeError):
            found.append(Mark(place=place, note="", outside=True))
            continue
        found.append(Mark(place=place, note=note, time=time, outside=True))
    return found


def _put_git(anchor: Anchor, kept: Kept) -> None:
    folder = _path(anchor)
    name = kept.text.split("\n", 1)[0].rpartition("/")[2]
    path = folder / _FOLDER / name / f"{kept.size:012}"
    if path.exists() and path.read_text(encoding="utf-8") == kept.text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(kept.text, encoding="utf-8")
    inside = str(path.relative_to(folder))
    _git(folder, "add", "--", inside)
    words = f"modeldeck checkpoint: {kept.size} events"
    _git(folder, "commit", "--quiet", "--no-verify", "-m", words, "--", inside)
    if anchor.push:
        _git(folder, "push", "--quiet")


def _read_git(anchor: Anchor) -> Sequence[Mark]:
    folder = _path(anchor)
    # Each as it was first committed: who changes one later has to say so in the history.
    log = _git(
        folder, "log", "--reverse", "--diff-filter=A", "--format=%x00%H %cI", "--name-only",
        "--", _FOLDER,
    ).decode("utf-8", "replace")  # fmt: skip
    named = []
    for part in log.split("\0")[1:]:
        head, *names = [line for line in part.split("\n") if line]
        commit, _, time = head.partition(" ")
        named += [(commit, time, name) for name in names]
    asked = "".join(f"{commit}:{name}\n" for commit, _, name in named)
    notes = _blobs(_git(folder, "cat-file", "--batch", stdin=asked.encode()))
    return [
        Mark(
            place=f"git {anchor.path}, {commit[:12]}",
            note=note,
            time=datetime.fromisoformat(time),
            outside=True,
        )
        for (commit, time, _), note in zip(named, notes, strict=True)
    ]


def _blobs(answer: bytes) -> Iterator[str]:
    """The contents in an answer of `git cat-file --batch`."""
    while answer:
        head, _, rest = answer.partition(b"\n")
        if not head.split(b" ")[-1].isdigit():
            yield ""
            answer = rest
            continue
        size = int(head.split(b" ")[-1])
        yield rest[:size].decode("utf-8", "replace")
        answer = rest[size + 1 :]


def _git(folder: Path, *words: str, stdin: bytes = b"") -> bytes:
    argv = [
        *("git", "-C", str(folder), "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false"),
        *("-c", "user.name=modeldeck", "-c", "user.email=modeldeck@localhost"),
        *("-c", "core.quotePath=false", "-c", "core.autocrlf=false", *words),
    ]
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, env=env, timeout=_WAIT, check=False
        )
    except FileNotFoundError:
        raise UnreachableError("git is not installed", where=str(folder)) from None
    except subprocess.TimeoutExpired:
        raise UnreachableError("git did not answer", where=str(folder)) from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise UnreachableError(said[-1] if said else "git failed", where=str(folder))
    return done.stdout


def _path(anchor: Anchor) -> Path:
    path = expanded(anchor.path)
    if not path.is_absolute():
        raise UsageError(
            f"the anchor {anchor.path!r} is not absolute", way_out="Write it from / or from ~/"
        )
    return path
