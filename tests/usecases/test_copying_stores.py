"""Copies of what a real MLflow left on disk: any registry that can be read can be a source."""

from __future__ import annotations

import pytest

from modeldeck.app.config.settings import Settings
from modeldeck.app.mirror import open_in_place
from modeldeck.app.usecases.importing_registry import import_registry
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.lists import all_of
from tests.usecases.copies import empty_session
from tests.usecases.equality import held
from tests.usecases.project import ACTOR

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.mark.parametrize("kind", ["3-sqlite", "2-files"])
async def test_a_store_in_place_is_copied_with_the_bytes_of_its_models(
    mlflow_store, tmp_path, kind
):
    registry = await open_in_place(mlflow_store(kind).path, Settings(), tool="test")
    source = Session(context="store", registry=registry, actor=ACTOR)
    target = empty_session(tmp_path / "here")
    try:
        done = await import_registry(source, target)
        there, here = await held(registry), await held(target.registry)
        active = [run for run in there["runs"] if run["lifecycle_stage"] == "active"]
        assert len(here["runs"]) == done.runs_taken == len(active) > 30
        for mine, theirs in zip(here["runs"], active, strict=True):
            for part, value in theirs.items():
                assert mine[part] == value, (theirs["name"], part)
        models = [model for model in there["models"] if model["versions"]]
        for mine, theirs in zip(here["models"], models, strict=True):
            assert (mine["name"], mine["tags"], mine["aliases"]) == (
                theirs["name"],
                theirs["tags"],
                {},
            )
            for one, other in zip(mine["versions"], theirs["versions"], strict=True):
                assert one | {"aliases": other["aliases"]} == other
        # What the files are is told by their bytes, which MLflow never did.
        versions = await all_of(await target.registry.versions("fraud"))
        assert all(one.digest and one.format for one in versions if one.run_id)
        # What lies elsewhere, or is damaged there, is named and nothing else.
        assert {one.what for one in done.problems} == {"is not on this machine"}
        again = await import_registry(source, target)
        assert (again.runs_taken, again.points, again.files) == (0, 0, 0)
    finally:
        await registry.close()
        await target.registry.close()
