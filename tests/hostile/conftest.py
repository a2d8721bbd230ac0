"""The hostile registry, made once and copied for whoever asks."""

import shutil

import pytest

from tests.hostile.place import make


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("hostile"))


@pytest.fixture
def registry(made, tmp_path):
    """The path of one of its own."""
    return shutil.copytree(made, tmp_path / ".modeldeck")
