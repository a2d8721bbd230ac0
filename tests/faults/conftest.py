"""What tests of faults share: a real server that is quick, and names that can be lost."""

from __future__ import annotations

import pytest

from tests.faults.place import NameServer
from tests.servers.fill import filled

MODELS = 100


@pytest.fixture(scope="session")
def small_server(mlflow_server, pytestconfig):
    """A server with few and small runs, whose list of them has more than a page all the same."""
    cache = pytestconfig.cache.mkdir("mlflow-stores")
    return mlflow_server("3", store=filled(cache, runs=400, models=MODELS, keys=2))


@pytest.fixture
def names(monkeypatch):
    """The name server, for which the host is there."""
    return NameServer(monkeypatch)
