"""What somebody who may push can do to shared records: be seen, and nothing else."""

from __future__ import annotations

import asyncio
import os
import shutil

import pytest

from modeldeck.backends.api.errors import ConflictError
from modeldeck.backends.api.statements import APPROVAL, Accepting
from modeldeck.backends.statements.envelope import LARGEST, identity, seal
from modeldeck.backends.statements.shared import TRIES

from .signing import Key, git, key_of, word

pytestmark = pytest.mark.real


class Mallory:
    """Somebody who may push, with a working tree."""

    def __init__(self, folder, shared):
        self.work = folder / "mallory"
        git("clone", "--quiet", "--branch", "modeldeck", str(shared), str(self.work))

    def write(self, path, data):
        target = self.work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)

    def path(self, number=0):
        return sorted(self.work.glob("statements/*/*/*.json"))[number]

    def push(self, *, force=False, amend=False):
        git("add", "--all", cwd=self.work)
        git("commit", "-q", "-m", "x", *(["--amend"] if amend else []), cwd=self.work)
        git("push", "-q", *(["--force"] if force else []), "origin", "modeldeck", cwd=self.work)


@pytest.fixture
async def home(homes):
    found = homes("ada")
    for number in range(3):
        await found.put(word(f"models/a@{number}"), key_of("ada"))
    return found


@pytest.fixture
def mallory(home, tmp_path, shared):
    return Mallory(tmp_path, shared)


def edit(mallory):
    path = mallory.path()
    path.write_bytes(path.read_bytes().replace(b"a", b"b", 1))
    mallory.push()


def truncate(mallory):
    path = mallory.path(1)
    path.write_bytes(path.read_bytes()[:-10])
    mallory.push()


def remove(mallory):
    mallory.path(2).unlink()
    mallory.push()


def remove_and_restore(mallory):
    path = mallory.path()
    data = path.read_bytes()
    path.unlink()
    mallory.push()
    path.write_bytes(data)
    mallory.push()


def move(mallory):
    path = mallory.path()
    target = mallory.work / "statements" / "approval" / "2026-11" / path.name
    target.parent.mkdir(parents=True)
    path.rename(target)
    mallory.push()


def link(mallory):
    path = mallory.path()
    path.unlink()
    path.symlink_to("/etc/passwd")
    mallory.push()


def rewrite(mallory):
    mallory.write("README", b"x")
    mallory.push(force=True, amend=True)


def go_back(mallory):
    git("reset", "-q", "--hard", "HEAD~1", cwd=mallory.work)
    git("push", "-q", "--force", "origin", "modeldeck", cwd=mallory.work)


def start_anew(mallory):
    git("checkout", "-q", "--orphan", "other", cwd=mallory.work)
    mallory.push_head = git("commit", "-qm", "x", cwd=mallory.work)
    git("push", "-q", "--force", "origin", "other:modeldeck", cwd=mallory.work)


def drop(mallory):
    git("push", "-q", "origin", ":modeldeck", cwd=mallory.work)


def evil_merge(mallory):
    """A merge that leaves out what one of its sides has."""
    tip = git("rev-parse", "HEAD", cwd=mallory.work)
    git("checkout", "-q", "-b", "side", "HEAD~1", cwd=mallory.work)
    mallory.write("README", b"x")
    git("add", "--all", cwd=mallory.work)
    git("commit", "-qm", "side", cwd=mallory.work)
    tree = git("rev-parse", "HEAD^{tree}", cwd=mallory.work)
    merge = git("commit-tree", tree, "-p", tip, "-p", "HEAD", "-m", "x", cwd=mallory.work)
    git("push", "-q", "origin", f"{merge}:modeldeck", cwd=mallory.work)


REWRITES = [
    edit, truncate, remove, remove_and_restore, move, link, rewrite, go_back, start_anew, drop,
    evil_merge,
]  # fmt: skip


@pytest.mark.parametrize("attack", REWRITES)
async def test_records_that_are_rewritten_are_not_taken(home, homes, mallory, attack, clock):
    before = await home.statements()
    attack(mallory)
    for _ in range(2):
        sync = await home.sync()
        assert sync.rewritten
        assert "the records were rewritten" in sync.trouble
        assert "modeldeck records accept" in sync.trouble
        assert sync.new == []
    assert await home.statements() == before, "what we have stays"
    said = await home.put(word("models/late@x"), key_of("ada"))
    assert (await home.status()).waiting == 1, "nor is anything sent there"
    assert isinstance(home, Accepting)
    seen, now = await home.heads()
    assert seen != now
    with pytest.raises(ConflictError, match="moved on meanwhile"):
        await home.accept("0" * 40)
    accepted = await home.accept(now)
    assert not accepted.rewritten
    sync = await home.sync()
    assert not sync.rewritten
    assert sync.waiting == 0
    assert {one.id for one in await home.statements()} == {*(one.id for one in before), said.id}


async def test_whoever_comes_later_sees_what_was_removed_before(home, homes, mallory):
    remove(mallory)
    bob = homes("bob")
    sync = await bob.sync()
    assert sync.rewritten
    assert "was removed" in sync.trouble
    assert await bob.statements() == []


def copied(mallory):
    mallory.write(f"statements/event/2026-11/{'0' * 64}.json", mallory.path().read_bytes())


def elsewhere(mallory):
    path = mallory.path()
    mallory.write(f"statements/event/2025-01/{path.name}", path.read_bytes())


def large(mallory):
    data = b"x" * (LARGEST + 1)
    mallory.write(f"statements/event/2026-11/{identity(data)}.json", data)


def linked(mallory):
    target = mallory.work / f"statements/event/2026-11/{'1' * 64}.json"
    target.symlink_to("/etc/passwd")


@pytest.mark.parametrize("attack", [copied, large, linked])
async def test_files_that_are_not_what_they_are_named_are_not_taken(home, mallory, attack, clock):
    attack(mallory)
    mallory.push()
    for _ in range(2):
        sync = await home.sync()
        assert not sync.rewritten
        assert "1 file there not taken" in sync.trouble
    assert len(await home.statements()) == 3
    await home.put(word("models/late@x"), key_of("ada"))
    assert (await home.status()).waiting == 0, "what others do wrong stops nobody"
    _, head = await home.heads()
    await home.accept(head)
    assert "1 file there not taken" in (await home.status()).trouble, "as long as it lies there"


async def test_a_copy_in_the_wrong_folder_takes_nothing_away(home, homes, mallory):
    """Put there at the same time as the right one."""
    elsewhere(mallory)
    mallory.push()
    bob = homes("bob")
    assert len((await bob.sync()).new) == 3


async def test_what_is_no_statement_is_kept_and_counts_for_nothing(home, mallory):
    for data in (b"{}", b"not json", seal(word("models/m@x"), Key())):
        mallory.write(f"statements/event/2026-11/{identity(data)}.json", data)
    mallory.push()
    sync = await home.sync()
    assert (len(sync.new), sync.trouble) == (3, "")
    found = [one for one in await home.statements() if not one.valid]
    assert len(found) == 3
    assert all(one.why and not one.person for one in found)


async def test_a_signature_cannot_be_carried_over(home, mallory):
    import base64
    import json

    import rfc8785

    one, other = (seal(word(f"models/a@{n}", kind=APPROVAL), key_of("ada")) for n in (7, 8))
    mixed = json.loads(one) | {"signatures": json.loads(other)["signatures"]}
    assert base64.b64decode(mixed["payload"])
    data = rfc8785.dumps(mixed)
    mallory.write(f"statements/approval/2026-11/{identity(data)}.json", data)
    mallory.push()
    await home.sync()
    [found] = await home.statements((APPROVAL,))
    assert (found.valid, found.person) == (False, "")


async def test_nothing_that_the_repository_configures_is_run(home, shared, tmp_path):
    ran = tmp_path / "ran"
    script = f"#!/bin/sh\necho $0 >> {ran}\n"
    for name in ("pre-receive", "update", "post-receive", "post-update", "reference-transaction"):
        hook = shared / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(script)
        hook.chmod(0o755)
    run = tmp_path / "run"
    run.write_text(script)
    run.chmod(0o755)
    for key in ("core.fsmonitor", "core.alternateRefsCommand", "uploadpack.packObjectsHook"):
        git("config", key, str(run), cwd=shared)
    (shared / "objects" / "info" / "alternates").write_text(f"{tmp_path}/mallory/.git/objects\n")
    await home.put(word("models/late@x"), key_of("ada"))
    assert (await home.status()).waiting == 0
    assert not ran.exists()
    shutil.copytree(shared / "hooks", home.repository.folder / "hooks", dirs_exist_ok=True)
    await home.put(word("models/later@x"), key_of("ada"))
    assert (await home.status()).waiting == 0
    assert not ran.exists()


@pytest.mark.parametrize("address", ["ext::sh -c touch% ran", "--upload-pack=touch ran"])
async def test_an_address_is_no_command(homes, tmp_path, address, monkeypatch):
    monkeypatch.chdir(tmp_path)
    homes.address = address
    home = homes("ada")
    await home.put(word(), key_of("ada"))
    assert (await home.status()).away
    assert not list(tmp_path.rglob("ran"))


async def test_one_that_does_not_end_is_ended(homes, tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    slow = folder / "git"
    real = shutil.which("git")
    sleeps = 'case "$*" in *" fetch "*) exec sleep 600;; esac'
    slow.write_text(f'#!/bin/sh\n{sleeps}\nexec {real} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    home = homes("ada")
    home.repository.seconds = 0.02
    assert "did not end within" in (await home.sync()).trouble
    home.repository.seconds = 600.0
    task = asyncio.create_task(home.sync())
    running = home.repository
    while running._process is None or "fetch" not in running._process.args:  # noqa: ASYNC110
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    monkeypatch.undo()
    assert (await home.sync()).trouble == "", "the next one goes on"


async def test_who_is_always_faster_is_not_waited_for_for_ever(home, monkeypatch):
    from modeldeck.backends.statements import shared

    monkeypatch.setattr(shared, "_PAUSE", 0.0)
    tries = []
    monkeypatch.setattr(home.repository, "push", lambda commit: bool(tries.append(commit)))
    await home.put(word("models/late@x"), key_of("ada"))
    assert len(tries) == TRIES
    status = await home.status()
    assert (status.waiting, status.trouble) == (1, ""), "it waits for the next time"
