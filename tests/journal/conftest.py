"""A scripted server with its records."""

from __future__ import annotations

import pytest

from .scripted import Clock, Scripted, journaled


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def server():
    return Scripted()


@pytest.fixture
async def registry(server, tmp_path, clock):
    found = journaled(server, tmp_path, clock)
    yield found
    await found.close()
    assert server.closed
