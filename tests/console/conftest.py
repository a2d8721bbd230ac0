"""A registry made once, and copied for whoever asks."""

import shutil

import pytest

from tests.console.samples import build, models, small


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    return build(tmp_path_factory.mktemp("made"), small(), models())


@pytest.fixture
def registry(made, tmp_path):
    """The path of a small registry of its own."""
    return shutil.copytree(made, tmp_path / ".modeldeck")


@pytest.fixture
def empty(tmp_path):
    """The path of a registry with nothing in it."""
    return build(tmp_path, [], names={})


@pytest.fixture(autouse=True)
def _patient(monkeypatch):
    """Letters typed one by one count as one burst, however slow the machine is."""
    monkeypatch.setattr("modeldeck.app.console.screens.filtering.PAUSE", 0.12)
