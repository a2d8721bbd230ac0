"""A database that is closed after its test."""

import pytest

from modeldeck.backends.sources.mlflow_db import MlflowDb

from .making import make_db


@pytest.fixture
def opened(tmp_path):
    """Make a database with `fill`, and open it."""
    sources = []

    def opened(fill=None, *, third=False):
        sources.append(MlflowDb(make_db(tmp_path / "mlflow.db", third=third, fill=fill)))
        return sources[-1]

    yield opened
    for source in sources:
        source.close()
