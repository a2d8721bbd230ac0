"""The lock: what a run really had. Environment variables are left out, since they hold secrets."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from modeldeck.backends.api.runs import Lock, Package
from modeldeck.backends.api.text import exact

from .git import Tree, working_tree
from .hardware import gpus, hardware
from .interpreter import Interpreter, interpreter


def capture(cwd: str | os.PathLike[str], python: str | None = None) -> tuple[Lock, bytes | None]:
    """What a command run in `cwd` by the interpreter `python` has, and the diff of a dirty tree.

    `python` is None for our own interpreter and "" when the command is no Python program: its
    packages then are not known. Nothing here raises; what could not be told is None, and
    `extra["untold"]` may say why. `extra` also holds `editable` (name: URL) and the digest of the
    diff, so that locks of different changes differ.
    """
    with ThreadPoolExecutor(3, thread_name_prefix="lock") as pool:
        tree_later = pool.submit(working_tree, cwd)
        gpus_later = pool.submit(gpus)
        found = interpreter(python, cwd)
        machine = hardware()
        tree = tree_later.result()
        cards, cuda = gpus_later.result()
    lock = Lock(
        python=found.python if found else None,
        implementation=found.implementation if found else None,
        executable=exact(found.executable) if found else None,
        packages=_packages(found) if found else (),
        system=machine.system,
        machine=machine.machine,
        cpu=machine.cpu,
        cpus=machine.cpus,
        memory_bytes=machine.memory_bytes,
        gpus=cards,
        cuda=cuda,
        git=tree.git,
        extra=_extra(found, python, tree),
    )
    return lock, tree.diff


def lock_digest(lock: Lock) -> str:
    """SHA-256 over the lock as JSON, keys in order, without where its diff happens to be saved."""
    git = None if lock.git is None else msgspec.structs.replace(lock.git, diff=None)
    content = msgspec.json.encode(msgspec.structs.replace(lock, git=git), order="sorted")
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _packages(found: Interpreter) -> tuple[Package, ...]:
    rows = [
        Package(exact(name), exact(version), record) for name, version, record, _ in found.packages
    ]
    return tuple(sorted(rows, key=lambda row: (row.name.lower(), row.name)))


def _extra(found: Interpreter | None, python: str | None, tree: Tree) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    if found is not None:
        editable = {exact(row[0]): exact(row[3]) for row in found.packages if row[3]}
        if editable:
            extra["editable"] = dict(sorted(editable.items()))
    if tree.digest:
        extra["diff"] = tree.digest
    if tree.cut:
        extra["diff_cut"] = True
    untold = {}
    if found is None:
        untold["python"] = "it did not answer" if python else "the command is no Python program"
    if tree.untold:
        untold["git"] = tree.untold
    if untold:
        extra["untold"] = untold
    return extra
