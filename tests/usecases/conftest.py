"""A session over a registry with one of everything."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from modeldeck.backends.local import open_registry
from tests.usecases.project import NOW, Clock, make_project, session_of


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_project(tmp_path_factory.mktemp("made") / "bank")


@pytest.fixture
async def session(made, tmp_path):
    folder = Path(shutil.copytree(made, tmp_path / "bank"))
    backend = open_registry(folder, clock=Clock(NOW))
    yield session_of(backend)
    await backend.close()
