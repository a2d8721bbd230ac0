"""The contract that every backend passes: pytest classes, to be subclassed by an adapter's tests.

    # conftest.py of the adapter, or its test module
    import pytest
    from modeldeck.backends.testing import Contract, opened

    class TestMine(Contract):
        @pytest.fixture
        async def registry(self, tmp_path):
            found = opened(connect(Connection(context="test", url=...)), tmp_path)
            yield found
            await found.close()

        @pytest.fixture
        def maker(self):
            return MyMaker()

`Contract` is all of it; its parts (`BackendContract`, `ExperimentsContract`, `RunsContract`,
`HistoriesContract`, `ArtifactsContract`, `ModelsContract`, `ChangesContract`, `TrailContract`) can
be taken alone. A `Maker` puts known things where the backend finds them, by another way than the
backend; it makes names that nothing else has, so that a server may be shared.

The contract is graded by what a backend says of itself: what `availability` does not support must
be refused with the reason that it gives, what it supports must hold. What a server cannot hold is
said by the attributes of the classes (`TEXTS`, `NAMES`, `KEYS`, `PATHS` ...): an adapter sets
those that are narrower, and so they are written down where the tests stand.

Needs pytest and pytest-asyncio. Nothing else of modeldeck imports this package.
"""

import pytest

_PARTS = ("backend", "experiments", "runs", "histories", "artifacts", "models", "changes", "trail")
for _part in _PARTS:
    pytest.register_assert_rewrite(f"{__name__}.{_part}")

from .artifacts import ArtifactsContract  # noqa: E402
from .backend import BackendContract  # noqa: E402
from .changes import ChangesContract  # noqa: E402
from .experiments import ExperimentsContract  # noqa: E402
from .histories import HistoriesContract  # noqa: E402
from .maker import Given, Maker, opened  # noqa: E402
from .models import ModelsContract  # noqa: E402
from .runs import RunsContract  # noqa: E402
from .trail import TrailContract  # noqa: E402


class Contract(
    BackendContract,
    ExperimentsContract,
    RunsContract,
    HistoriesContract,
    ArtifactsContract,
    ModelsContract,
    ChangesContract,
    TrailContract,
):
    """All of the contract."""


__all__ = [
    "ArtifactsContract",
    "BackendContract",
    "ChangesContract",
    "Contract",
    "ExperimentsContract",
    "Given",
    "HistoriesContract",
    "Maker",
    "ModelsContract",
    "RunsContract",
    "TrailContract",
    "opened",
]
