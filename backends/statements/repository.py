"""A shared git repository, spoken to through a bare clone of ours.

git is given no terminal, no hooks, a deadline, and only the protocols that its address needs.
There is no working tree: nothing of what others push becomes a file here.
"""

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import IO, NamedTuple

from ..api.errors import UnreachableError, UsageError
from ..api.text import exact

LIMIT = 64 << 20
"""Bytes that one answer of git may have."""
_KEPT = (
    "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH",
    "GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH",
)  # fmt: skip
_QUIET = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.alternateRefsCommand=true")
_SETTINGS = (
    *_QUIET,
    "core.askPass=",
    "core.pager=cat",
    "fetch.fsckObjects=true",
    "gc.autoDetach=false",
    "log.showRoot=true",
    "log.showSignature=false",
    "maintenance.autoDetach=false",
    "protocol.ext.allow=never",
    "push.followTags=false",
    "push.gpgSign=false",
    "push.recurseSubmodules=no",
)
# What the other end runs where it is a folder here: as us, so without its hooks.
_RECEIVE = " ".join(["git", *(f"-c {one}" for one in (*_QUIET, "receive.autogc=false"))])
_THERE, _OURS = "refs/modeldeck/there", "refs/modeldeck/ours"
_FASTER = (
    "fetch first", "non-fast-forward", "stale info", "cannot lock ref", "failed to update ref",
    "incorrect old value", "failed to lock", "reference already exists",
)  # fmt: skip
_PIECE = 500
_FIRST = 6
"""So much longer may it take to fetch everything."""
_SHOWN = 200


class Touch(NamedTuple):
    """What a commit did to a file: A added, M changed, D removed, T made another kind."""

    status: str
    mode: str
    blob: str
    path: str


class _Done(NamedTuple):
    code: int
    out: bytes
    said: str


class Repository:
    """One branch of it. Everything blocks. `ran` counts the processes that were started.

    UnreachableError for everything that git could not do.
    """

    def __init__(self, folder: Path, address: str, branch: str, *, seconds: float) -> None:
        self.folder = folder
        self.address = address
        self.branch = branch
        self.seconds = seconds
        self.ran = 0
        self._local = os.path.isabs(address)  # noqa: PTH117 - a text, which may be a URL
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def stop(self) -> None:
        """End what is running, and start nothing more."""
        self._stopped = True
        self.interrupt()

    def interrupt(self) -> None:
        """End what is running."""
        if (process := self._process) is not None:
            _kill(process)

    def make(self) -> None:
        """Have the clone, empty at first."""
        if (self.folder / "HEAD").exists():
            return
        self.folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._run("init", "--quiet", "--bare", "--template=")

    def fetch(self) -> str:
        """The newest commit of the branch, fetched; empty when there is no such branch."""
        done = self._try(
            *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"),
            *("--", self.address, f"+refs/heads/{self.branch}:{_THERE}"),
            patience=1 if (self.folder / _THERE).exists() else _FIRST,
        )
        if done.code:
            if "couldn't find remote ref" in done.said:
                return ""
            raise self._failed(done)
        return self._run("rev-parse", "--verify", f"{_THERE}^{{commit}}").decode().strip()

    def descends(self, old: str, new: str) -> bool:
        """Whether `new` came after `old`."""
        return self._try("merge-base", "--is-ancestor", old, new).code == 0

    def history(self, old: str, new: str) -> Iterator[Touch]:
        """What the commits after `old`, or all, did to files: merges by each of their parents."""
        out = self._run(
            *("log", "-m", "--raw", "-r", "-z", "--format=", "--no-renames", "--no-abbrev"),
            *("--no-ext-diff", "--no-color", "--end-of-options"),
            f"{old}..{new}" if old else new,
            "--",
        )
        parts = iter([part for part in out.split(b"\0") if part.strip()])
        for head in parts:
            _, mode, _, blob, status = head.strip().decode().split(" ")
            yield Touch(status[:1], mode, blob, _text(next(parts)))

    def files(self, commit: str) -> Iterator[Touch]:
        """All files of a commit, as if it had added them."""
        out = self._run("ls-tree", "-r", "-z", "--full-tree", "--end-of-options", commit)
        for line in filter(None, out.split(b"\0")):
            about, _, path = line.partition(b"\t")
            mode, _, blob = about.decode().split(" ")
            yield Touch("A", mode, blob, _text(path))

    def blobs(self, ids: Collection[str], largest: int) -> Mapping[str, bytes]:
        """The content of those that are no larger."""
        found: dict[str, bytes] = {}
        wanted = list(dict.fromkeys(ids))
        for start in range(0, len(wanted), _PIECE):
            asked = "".join(f"{one}\n" for one in wanted[start : start + _PIECE]).encode()
            told = self._run("cat-file", "--batch-check", given=asked).decode().splitlines()
            small = [
                words[0]
                for words in map(str.split, told)
                if len(words) == 3 and words[1] == "blob" and int(words[2]) <= largest
            ]
            if small:
                given = "".join(f"{one}\n" for one in small).encode()
                found |= _contents(self._run("cat-file", "--batch", given=given))
        return found

    def commit(self, head: str, files: Mapping[str, bytes], time: datetime) -> str:
        """A commit after `head`, or the first one, that adds files."""
        count = f"{len(files)} statement{'' if len(files) == 1 else 's'}"
        stream = [f"reset {_OURS}\n{f'from {head}' if head else ''}\n".encode()]
        when = f"{int(time.timestamp())} +0000"
        stream.append(
            f"commit {_OURS}\nmark :1\ncommitter modeldeck <modeldeck@localhost> {when}\n".encode()
        )
        stream.append(b"data %d\n%s\n" % (len(count), count.encode()))
        stream.extend(
            b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data)
            for path, data in files.items()
        )
        stream.append(b"\nget-mark :1\n")
        words = ("fast-import", "--quiet", "--force", "--date-format=raw")
        return self._run(*words, given=b"".join(stream)).decode().strip()

    def push(self, commit: str) -> bool:
        """Put the branch there on `commit`; False when somebody else was faster."""
        there = ("--receive-pack", f"{_RECEIVE} receive-pack") if self._local else ()
        done = self._try(
            *("push", "--porcelain", "--no-verify", *there, "--", self.address),
            f"{commit}:refs/heads/{self.branch}",
        )
        if done.code == 0:
            return True
        told = done.out.decode(errors="replace") + done.said
        if any(words in told for words in _FASTER):
            return False
        lines = [line for line in told.splitlines() if line.startswith("!")]
        raise self._failed(_Done(done.code, b"", lines[0] if lines else done.said))

    def _run(self, *words: str, given: bytes = b"") -> bytes:
        done = self._try(*words, given=given)
        if done.code:
            raise self._failed(done)
        return done.out

    def _failed(self, done: _Done) -> UnreachableError:
        lines = [line.strip() for line in done.said.splitlines() if line.strip()]
        told = next((line for line in lines if line.startswith(("fatal:", "error:"))), "")
        told = (told or (lines[-1] if lines else f"git ended with {done.code}"))[:_SHOWN]
        return UnreachableError(f"git: {told}", where=self.address)

    def _try(self, *words: str, given: bytes = b"", patience: int = 1) -> _Done:
        seconds = self.seconds * patience
        switches = [part for one in _SETTINGS for part in ("-c", one)]
        with contextlib.ExitStack() as files:
            into, out, said = (files.enter_context(tempfile.TemporaryFile()) for _ in range(3))
            into.write(given)
            into.seek(0)
            command = ["git", "--no-pager", *switches, *words]
            code, late = self._wait(command, into, out, said, seconds)
            size = out.seek(0, os.SEEK_END)
            out.seek(0)
            said.seek(0)
            told = exact(said.read(1 << 16).decode(errors="replace"))
            if late:
                told = f"fatal: it did not end within {seconds:.0f} s"
            elif size > LIMIT:
                code, told = 1, f"fatal: it gave more than {LIMIT >> 20} MiB"
            return _Done(code, out.read(LIMIT), told)

    def _wait(
        self,
        command: Sequence[str],
        into: IO[bytes],
        out: IO[bytes],
        said: IO[bytes],
        seconds: float,
    ) -> tuple[int, bool]:
        if self._stopped:
            raise UnreachableError("was interrupted", where=self.address)
        self.ran += 1
        try:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment(),
                stdin=into,
                stdout=out,
                stderr=said,
                start_new_session=True,
            )
        except OSError as error:
            raise UsageError(
                f"git cannot be started ({error.strerror})", way_out="Install git"
            ) from None
        self._process = process
        late = threading.Event()

        def end() -> None:
            late.set()
            _kill(process)

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            return process.wait(), late.is_set()
        finally:
            timer.cancel()
            self._process = None
            if process.returncode is None:
                _kill(process)
                process.wait()

    def _environment(self) -> Mapping[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GIT_") or name in _KEPT
        }
        return kept | {
            "GIT_DIR": str(self.folder),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "SSH_ASKPASS_REQUIRE": "never",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_ALLOW_PROTOCOL": "file" if self._local else "https:http:ssh",
            "LC_ALL": "C",
        }


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _text(path: bytes) -> str:
    return exact(path.decode("utf-8", "surrogateescape"))


def _contents(out: bytes) -> dict[str, bytes]:
    found, at = {}, 0
    while at < len(out):
        end = out.index(b"\n", at)
        name, _, size = out[at:end].decode().split(" ")
        found[name] = out[end + 1 : end + 1 + int(size)]
        at = end + 2 + int(size)
    return found
