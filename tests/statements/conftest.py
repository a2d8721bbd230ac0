"""A shared repository and the homes that push to it."""

from __future__ import annotations

import pytest

from tests.journal.scripted import Clock

from .signing import Homes, repository


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def shared(tmp_path):
    return repository(tmp_path)


@pytest.fixture
async def homes(tmp_path, shared, clock):
    found = Homes(tmp_path, shared, clock)
    yield found
    await found.close()
