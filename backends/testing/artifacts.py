"""What holds for files."""

import hashlib
import os
from pathlib import Path

import pytest

from ..api import address
from ..api.errors import NotFoundError, RefusedError
from ..api.protocols import Registry
from .maker import Given, Maker, unique
from .suite import Suite

CONTENT = bytes(range(256)) * 5
PATHS = ("model/weights.bin", "two words.txt", "é漢.txt", "100%25.txt", "a/b/c/deep.txt")


@pytest.mark.asyncio
class ArtifactsContract(Suite):
    """Listed whole, read in pieces."""

    PATHS = PATHS

    async def test_files_are_listed_and_read(self, registry: Registry, maker: Maker) -> None:
        experiment = await maker.experiment(unique("files"), tags={}, note="")
        run = await maker.run(experiment, Given(name="r"))
        for path in self.PATHS:
            await maker.file(run, path, CONTENT)
        owner = address.run(run)
        found = {one.path: one for one in await registry.artifacts(owner)}
        assert found.keys() == set(self.PATHS)
        for path in self.PATHS:
            assert found[path].size in (len(CONTENT), None)
            assert await registry.read_artifact(owner, path) == CONTENT
            assert await registry.read_artifact(owner, path, 3, 5) == CONTENT[3:8]
            assert await registry.read_artifact(owner, path, len(CONTENT) - 2, 50) == CONTENT[-2:]

    async def test_a_file_is_downloaded_with_its_digest(
        self, registry: Registry, maker: Maker, tmp_path: Path
    ) -> None:
        experiment = await maker.experiment(unique("files"), tags={}, note="")
        run = await maker.run(experiment, Given(name="r"))
        await maker.file(run, self.PATHS[0], CONTENT)
        folder = tmp_path / "downloads"
        folder.mkdir()
        target = folder / "here"
        digest = await registry.download(address.run(run), self.PATHS[0], target)
        assert target.read_bytes() == CONTENT
        assert digest == f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
        with pytest.raises(NotFoundError):
            await registry.download(address.run(run), "none.txt", folder / "none")
        assert [name for _, _, names in os.walk(folder) for name in names] == ["here"]

    async def test_files_that_are_not_there(self, registry: Registry, maker: Maker) -> None:
        experiment = await maker.experiment(unique("files"), tags={}, note="")
        owner = address.run(await maker.run(experiment, Given(name="r")))
        assert list(await registry.artifacts(owner)) == []
        with pytest.raises(NotFoundError):
            await registry.read_artifact(owner, "none.txt")
        for path in ("../../../../etc/passwd", "/etc/passwd", "a/../../x"):
            with pytest.raises((NotFoundError, RefusedError)):
                await registry.read_artifact(owner, path)
