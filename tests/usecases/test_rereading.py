"""The bytes of a version, read again by a gate and before a rollback in one way."""

from __future__ import annotations

import hashlib

import pytest

from modeldeck.app.usecases import rereading
from modeldeck.app.usecases.rereading import is_comparable, read_again
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.errors import DamagedError, NotFoundError, RefusedError
from modeldeck.backends.api.models import Version
from modeldeck.backends.formats.folder import manifest_digest
from tests.usecases.project import ACTOR, NOW, refused

CONTENT = {"model.bin": b"weights" * 3, "notes.md": b"read me", "empty": b""}


def digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def listed(**without: str) -> list[Artifact]:
    """The files as recorded; of those named, without that."""
    return [
        Artifact(
            path=path,
            size=None if without.get(path.partition(".")[0]) == "size" else len(data),
            digest=None if without.get(path.partition(".")[0]) == "digest" else digest(data),
        )
        for path, data in CONTENT.items()
    ]


WHOLE = manifest_digest(listed())


class Shelf:
    """A registry that has only bytes."""

    def __init__(self, content=CONTENT, error=None):
        self.content, self.error = content, error

    async def read_artifact(self, owner, path, start=0, limit=1 << 20):
        assert owner == "models/fraud/1"
        if self.error:
            raise self.error
        return self.content[path][start : start + limit]


async def again(files, known=None, **shelf):
    version = Version(model="fraud", version=1, created_at=NOW, digest=known)
    session = Session(context="bank", registry=Shelf(**shelf), actor=ACTOR)
    return await read_again(session, version, files)


@pytest.fixture(params=[1, 3, 4 << 20], autouse=True)
def piece(request, monkeypatch):
    """Sizes of pieces that end with the file, within it, and after it."""
    monkeypatch.setattr(rereading, "PIECE", request.param)


@pytest.mark.parametrize(
    ("files", "known"),
    [
        (listed(), WHOLE),
        (listed(), None),
        (listed(model="size", notes="digest"), WHOLE),
        (listed(), digest(CONTENT["model.bin"])),
        (listed(model="digest"), digest(CONTENT["model.bin"])),
        (listed()[:1], digest(CONTENT["model.bin"])),
        (listed(model="digest", notes="digest", empty="digest"), None),
    ],
)
async def test_bytes_as_they_were_recorded(files, known):
    found = await again(files, known)
    assert (found.wrong, found.read) == ("", sum(len(CONTENT[one.path]) for one in files))


@pytest.mark.parametrize(
    ("files", "known", "wrong"),
    [
        (listed(), digest(b"other"), f"its files are not those of {digest(b'other')[:19]}"),
        (
            # What lies beside the file of that digest may be anything.
            listed(notes="digest"),
            digest(CONTENT["model.bin"]),
            f"its files are not those of {digest(CONTENT['model.bin'])[:19]}",
        ),
        (listed()[:2], WHOLE, f"its files are not those of {WHOLE[:19]}"),
    ],
)
async def test_files_of_another_digest(files, known, wrong):
    assert (await again(files, known)).wrong == wrong


async def test_a_file_that_changed_or_was_cut_is_named():
    changed = {**CONTENT, "notes.md": b"rEad me"}
    found = await again(listed(), content=changed)
    was, is_now = digest(b"read me")[:19], digest(b"rEad me")[:19]
    assert (found.wrong, found.read) == (f"notes.md is {is_now}, {was} was recorded", 28)
    cut = {**CONTENT, "notes.md": b"read"}
    found = await again(listed(), content=cut)
    assert (found.wrong, found.read) == ("notes.md has 4 bytes, 7 were recorded", 25)


async def test_bytes_that_are_gone_are_wrong_and_those_nobody_may_read_are_not_known():
    for error in (NotFoundError("is not kept here"), DamagedError("is not kept here")):
        assert (await again(listed(), error=error)).wrong == "model.bin: is not kept here"
    await refused(RefusedError, lambda: again(listed(), error=RefusedError("no")))


def test_what_can_be_compared():
    none = [Artifact(path="a", size=1)]
    known, unknown = (
        Version(model="fraud", version=1, created_at=NOW, digest=one) for one in (WHOLE, None)
    )
    assert is_comparable(known, none)
    assert not is_comparable(unknown, none)
    assert is_comparable(unknown, listed())
