"""Statements shared through a real git repository: nothing is lost, nothing conflicts."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from modeldeck.backends.api.errors import ReadOnlyError
from modeldeck.backends.api.statements import APPROVAL, EVENT, Statements
from modeldeck.backends.local import open_registry
from modeldeck.backends.statements.here import LocalStatements
from modeldeck.backends.statements.shared import GitStatements

from .signing import NOW, Key, git, key_of, policy, word

pytestmark = pytest.mark.real


async def subjects(home):
    return [one.statement.subject for one in await home.statements()]


def files(shared):
    return git("ls-tree", "-r", "--name-only", "modeldeck", cwd=shared).splitlines()


async def test_what_one_says_the_other_hears(homes, shared):
    ada, bob = homes("ada"), homes("bob")
    said = await ada.put(word(kind=APPROVAL, digest="sha256:ab"), key_of("ada"))
    assert (said.valid, said.person, said.origin) == (True, "ada", "")
    assert (await ada.status()).waiting == 0
    sync = await bob.sync()
    assert (sync.new, sync.trouble, sync.at) == ([said.id], "", NOW)
    [heard] = await bob.statements()
    assert heard.statement == said.statement
    assert (heard.valid, heard.person, heard.origin) == (True, "ada", str(shared))
    assert files(shared) == [f"statements/approval/2026-11/{said.id}.json"]
    assert (await bob.sync()).new == []
    assert isinstance(ada, Statements)


async def test_both_push_at_once_twenty_times(homes, shared):
    ada, bob = homes("ada"), homes("bob")

    async def all_of(home, person):
        for number in range(20):
            await home.put(word(f"models/{person}@{number}"), key_of(person))

    await asyncio.gather(all_of(ada, "ada"), all_of(bob, "bob"))
    for home in (ada, bob):
        sync = await home.sync()
        assert (sync.waiting, sync.trouble) == (0, "")
        found = await home.statements()
        assert len({one.id for one in found}) == len(found) == 40
        assert all(one.valid for one in found)
    assert len(files(shared)) == 40
    assert git("rev-list", "--merges", "--count", "modeldeck", cwd=shared) == "0"


async def test_who_was_offline_catches_up(homes, shared, tmp_path, clock):
    ada, bob = homes("ada"), homes("bob")
    await ada.put(word("models/a@1"), key_of("ada"))
    await bob.sync()
    away = shutil.move(shared, tmp_path / "elsewhere.git")
    clock.forward(60)
    said = await ada.put(word("models/a@2"), key_of("ada"))
    status = await ada.status()
    assert said.valid
    assert (status.waiting, status.away, status.rewritten, status.at) == (1, True, False, NOW)
    assert "git: fatal:" in status.trouble
    await bob.put(word("models/b@1"), key_of("bob"))
    assert set(await subjects(bob)) == {"models/a@1", "models/b@1"}, "what is here can be read"
    ran = ada.repository.ran
    await ada.put(word("models/a@3"), key_of("ada"))
    assert ada.repository.ran == ran, "who is away is not asked with each change"
    shutil.move(away, shared)
    clock.forward(60)
    for home in (ada, bob, ada):
        sync = await home.sync()
        assert (sync.waiting, sync.trouble, sync.at) == (0, "", clock.now)
    everything = {"models/a@1", "models/a@2", "models/a@3", "models/b@1"}
    assert set(await subjects(ada)) == set(await subjects(bob)) == everything


async def test_three_hundred_take_few_processes(homes):
    ada, bob = homes("ada"), homes("bob")
    said = [word(f"models/m@{number}") for number in range(300)]
    await ada.put_all(said, key_of("ada"), send=False)
    assert (await ada.status()).waiting == 300
    assert (await ada.sync()).waiting == 0
    assert ada.repository.ran <= 5
    assert len((await bob.sync()).new) == 300
    assert bob.repository.ran <= 7
    ran = bob.repository.ran
    await bob.sync()
    assert bob.repository.ran - ran <= 2
    assert len(await bob.statements()) == 300
    assert bob.repository.ran - ran <= 2, "reading asks no git"


async def test_it_is_asked_as_seldom_as_that(homes, clock):
    home = homes("ada")
    await home.sync(older=30)
    ran = home.repository.ran
    clock.forward(29)
    await home.sync(older=30)
    assert home.repository.ran == ran
    clock.forward(1)
    await home.sync(older=30)
    assert home.repository.ran > ran
    ran = home.repository.ran
    clock.forward(-3600)
    await home.sync(older=30)
    assert home.repository.ran > ran, "a clock that was set back stops nothing"


async def test_those_of_a_kind_and_a_subject_are_found(homes):
    home = homes("ada")
    await home.put(word("models/a@x"), key_of("ada"))
    await home.put(word("models/a@x", kind=APPROVAL), key_of("ada"))
    await home.put(word("models/b@x", kind=APPROVAL), key_of("ada"))
    assert len(await home.statements((APPROVAL,))) == 2
    assert len(await home.statements((APPROVAL, EVENT), "models/a@x")) == 2
    assert len(await home.statements((EVENT,), "models/b@x")) == 0


async def test_the_policy_of_the_reader_says_whose_a_key_is(homes):
    ada, bob = homes("ada"), homes("bob")
    await ada.put(word(), key_of("ada"))
    mallory = await bob.put(word("models/m@x"), Key())
    assert (mallory.valid, mallory.why) == (False, "the key is nobody's by the policy")
    await ada.sync()
    assert [one.valid for one in await ada.statements()].count(True) == 1
    homes.people = policy("bob")
    assert [one.valid for one in await ada.statements()] == [False, False]


async def test_a_shared_place_that_comes_later_gets_what_was_said_before(homes, shared, clock):
    home = homes("ada")
    alone = LocalStatements(home.records, home.people, clock)
    assert (await alone.status()).shared is False
    await alone.put(word(), key_of("ada"))
    assert (await alone.sync()).waiting == 0
    assert (await home.sync()).waiting == 0
    assert len(files(shared)) == 1


async def test_another_place_gets_everything_of_ours_and_nothing_of_others(homes, tmp_path):
    ada, bob = homes("ada"), homes("bob")
    await bob.put(word("models/b@x"), key_of("bob"))
    await ada.put(word("models/a@x"), key_of("ada"))
    git("init", "--quiet", "--bare", str(tmp_path / "new.git"))
    homes.address = tmp_path / "new.git"
    moved = homes("ada")
    await moved.sync()
    assert len(files(tmp_path / "new.git")) == 1
    assert len(await moved.statements()) == 2


async def test_what_else_lies_in_the_branch_stays(homes, shared, tmp_path):
    work = tmp_path / "work"
    git("clone", "--quiet", str(shared), str(work))
    (work / "README.md").write_text("records of the bank")
    git("checkout", "-q", "-b", "modeldeck", cwd=work)
    git("add", ".", cwd=work)
    git("commit", "-qm", "about", cwd=work)
    git("push", "-q", "origin", "modeldeck", cwd=work)
    ada = homes("ada")
    await ada.put(word(), key_of("ada"))
    (work / "README.md").write_text("records of the other bank")
    git("commit", "-qam", "mended", cwd=work)
    git("pull", "-q", "--no-rebase", "origin", "modeldeck", cwd=work)
    git("push", "-q", "origin", "modeldeck", cwd=work)
    sync = await ada.sync()
    assert (sync.trouble, sync.rewritten) == ("", False), "a merge that keeps all is none"
    assert "README.md" in files(shared)


async def test_the_clone_can_be_lost(homes):
    ada, bob = homes("ada"), homes("bob")
    await ada.put(word("models/a@1"), key_of("ada"))
    shutil.rmtree(ada.repository.folder)
    await bob.put(word("models/b@1"), key_of("bob"))
    sync = await ada.sync()
    assert (sync.trouble, len(sync.new)) == ("", 1)


async def test_a_registry_that_may_only_be_read_is_read(homes, tmp_path):
    ada = homes("ada")
    await ada.put(word(), key_of("ada"))
    registry = open_registry(tmp_path / "ada", read_only="it is a test")
    other = GitStatements(
        registry, ada.people, ada.clock, address=str(homes.address), branch="modeldeck",
        clone=tmp_path / "other.git", seconds=30.0,
    )  # fmt: skip
    assert len(await other.statements()) == 1
    assert "it is a test" in (await other.sync()).trouble
    with pytest.raises(ReadOnlyError):
        await other.put(word("models/x@y"), key_of("ada"))
    await registry.close()


async def test_two_processes_of_one_person_share_a_clone(homes, shared):
    one, two = homes("ada"), homes("ada")

    async def some(home, letter):
        for number in range(5):
            await home.put(word(f"models/{letter}@{number}"), key_of("ada"))

    await asyncio.gather(some(one, "a"), some(two, "b"))
    for home in (one, two):
        sync = await home.sync()
        assert (sync.waiting, sync.trouble) == (0, "")
    assert len(files(shared)) == len(await one.statements()) == 10


class Killed(BaseException):
    """What a power cut is to a process."""


async def test_who_dies_after_sending_does_not_send_it_twice(homes, shared, monkeypatch):
    home = homes("ada")
    push = home.repository.push

    def last(commit):
        push(commit)
        raise Killed

    monkeypatch.setattr(home.repository, "push", last)
    with pytest.raises(Killed):
        await home.put(word(), key_of("ada"))
    monkeypatch.undo()
    assert (await home.status()).waiting == 1
    sync = await home.sync()
    assert (sync.waiting, sync.trouble, sync.new) == (0, "", [])
    assert len(files(shared)) == 1
    assert git("rev-list", "--count", "modeldeck", cwd=shared) == "1"
