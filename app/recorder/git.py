"""The state of a git working tree, asked so that nothing it configures is run.

A repository's own configuration can name programs: file system monitors, external diffs, text
converters, content filters, hooks, helpers to fetch what a partial clone lacks. All are switched
off here; filters that the user set up for all repositories (git-lfs, say) stay.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from modeldeck.backends.api.runs import Git
from modeldeck.backends.api.text import exact

from .ask import Answer, ask, program

DIFF_LIMIT = 4 << 20
NAMES_LIMIT = 1000
_LISTING = 1 << 20
_KEPT = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH")
_OURS = "/.modeldeck/"
_SETTINGS = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.pager=cat",
    "core.quotePath=true",
    "core.untrackedCache=false",
    "diff.external=",
    "diff.noprefix=false",
    "diff.mnemonicPrefix=false",
    "protocol.allow=never",
)
_DIFF = (
    "diff",
    "HEAD",
    "--binary",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--ignore-submodules=dirty",
    "--submodule=short",
    "-O/dev/null",
)
_FILTER = re.compile(r"filter\.(.*)\.(?:clean|smudge|process|required)$", re.DOTALL | re.IGNORECASE)


class Tree(Struct, frozen=True, kw_only=True):
    """A working tree. `git` is None when there is none to tell of, and `untold` may say why.

    `diff` starts with a comment line for each untracked file, which `git apply` passes over;
    `digest` names the changes to tracked files alone.
    """

    git: Git | None = None
    diff: bytes | None = None
    digest: str | None = None
    cut: bool = False
    untold: str | None = None


def working_tree(cwd: str | os.PathLike[str]) -> Tree:
    """The working tree that `cwd` lies in."""
    path = program("git")
    if path is None:
        return Tree(untold="git is not installed")
    asker = Asker(path, os.fspath(cwd))
    top = asker("rev-parse", "--show-toplevel")
    if top is None or not top.good:
        return Tree(untold=None if top is None or top.code == 128 else "git did not answer")
    asker = Asker(path, os.fsdecode(top.output.removesuffix(b"\n")))
    settings = _settings(asker("config", "--list", "--show-scope", "-z"))
    if settings is None:
        return Tree(untold="the configuration of the repository could not be read")
    head = asker("rev-parse", "--verify", "--quiet", "HEAD")
    if head is None or not head.good:
        return Tree(untold="the repository has no commit yet")
    branch = asker("symbolic-ref", "--quiet", "--short", "HEAD")
    names = asker("ls-files", "--others", "--exclude-standard", "-z", limit=_LISTING)
    off = _filters_off(settings)
    asker.settings += off or ()
    changes = None if off is None else asker(*_DIFF, limit=DIFF_LIMIT, seconds=20)
    told = _text(branch) if branch is not None and branch.good else None
    untracked = _untracked(names)
    known = changes is not None and (changes.good or changes.cut)
    content = changes.output if changes is not None and known else b""
    return Tree(
        git=Git(
            commit=_text(head),
            branch=told,
            remote=_remote(settings, told),
            dirty=bool(content or untracked or not known),
        ),
        diff=_comments(untracked, cut=changes is not None and changes.cut) + content or None,
        digest="sha256:" + hashlib.sha256(content).hexdigest() if content else None,
        cut=changes is not None and changes.cut,
        untold=None if known else "the changes could not be read",
    )


class Asker:
    """git, standing somewhere, with everything switched off that would run a program."""

    def __init__(self, path: str, place: str) -> None:
        self.path = path
        self.place = place
        self.settings = list(_SETTINGS)
        self.env = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GIT_") or name in _KEPT
        } | {
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_PAGER": "cat",
            "LC_ALL": "C",
        }

    def __call__(self, *words: str, limit: int = 1 << 16, seconds: float = 10) -> Answer | None:
        switches = [part for setting in self.settings for part in ("-c", setting)]
        command = [self.path, "--no-pager", "--literal-pathspecs", *switches, *words]
        return ask(command, cwd=self.place, env=self.env, limit=limit, seconds=seconds)


def _settings(answer: Answer | None) -> Sequence[tuple[str, str, str]] | None:
    """Scope, key and value of every setting; None when they cannot be told apart."""
    if answer is None or not answer.good or answer.cut:
        return None
    parts = answer.output.decode("utf-8", "surrogateescape").split("\0")[:-1]
    found = []
    for scope, entry in zip(parts[::2], parts[1::2], strict=True):
        key, _, value = entry.partition("\n")
        found.append((scope, key, value))
    return found


def _filters_off(settings: Sequence[tuple[str, str, str]]) -> list[str] | None:
    """Settings that empty each filter which the repository itself defines.

    None when one has a name that no command line can say: then nothing may be compared.
    """
    names = {
        found[1]
        for scope, key, _ in settings
        if scope not in {"global", "system", "command"} and (found := _FILTER.match(key))
    }
    if any("=" in name or "\n" in name for name in names):
        return None
    return [
        f"filter.{name}.{word}"
        for name in sorted(names)
        for word in ("clean=", "smudge=", "process=", "required=false")
    ]


def _remote(settings: Sequence[tuple[str, str, str]], branch: str | None) -> str | None:
    """The URL of the branch's remote, else of origin, else of the only one; without a password."""
    values: Mapping[str, str] = {key: value for _, key, value in reversed(settings)}
    urls = {
        key[len("remote.") : -len(".url")]: value
        for key, value in values.items()
        if key.startswith("remote.") and key.endswith(".url")
    }
    name = values.get(f"branch.{branch}.remote", "origin")
    url = urls.get(name) or urls.get("origin") or (next(iter(urls.values())) if urls else None)
    return None if url is None else exact(re.sub(r"(?<=://)[^/?#]*@", "", url))


def _untracked(answer: Answer | None) -> Sequence[str]:
    if answer is None:
        return ()
    names = answer.output.decode("utf-8", "surrogateescape").split("\0")[:-1]
    return [name for name in names if _OURS not in f"/{name}"]


def _comments(untracked: Sequence[str], *, cut: bool) -> bytes:
    lines = [f"# untracked: {json.dumps(name)}" for name in untracked[:NAMES_LIMIT]]
    if len(untracked) > NAMES_LIMIT:
        lines.append(f"# untracked: {len(untracked) - NAMES_LIMIT} more files")
    if cut:
        lines.append(f"# the changes are longer than {DIFF_LIMIT} bytes: cut")
    return "".join(f"{line}\n" for line in lines).encode()


def _text(answer: Answer | None) -> str:
    return "" if answer is None else answer.output.decode("utf-8", "replace").strip()
