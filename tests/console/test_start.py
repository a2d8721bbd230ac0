"""The start page: what was looked for, what can be done; and how opening fails."""

import pytest

from modeldeck.app.config.settings import Settings
from modeldeck.app.console.screens.start import complete_path
from modeldeck.app.console.startapp import StartApp
from modeldeck.app.workspace import NothingFoundError, Wish, find
from tests.console.dump import SIZES, check, dump, press, settled, typed

LOOKED = (
    "MODELDECK_REGISTRY",
    ".modeldeck in /home/ada and above",
    "./mlflow.db",
    "./mlruns",
    "./wandb",
)


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def page(said=""):
    return StartApp(Settings(), LOOKED, said)


def shown(app, here):
    first, rest = dump(app).split("\n", 1)
    assert first.startswith("modeldeck > start in ")
    return rest


@pytest.mark.parametrize("size", SIZES, ids=lambda size: str(size[0]))
async def test_the_page_at_every_size(here, size):
    app = page()
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        check(f"start-{size[0]}", shown(app, here))


async def test_an_error_stands_at_the_top_and_hides_nothing(here):
    app = page("/x/registry.db: belongs to eve, not to you. If you trust it, add it " + "y" * 90)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        check("start-error-80", shown(app, here))


async def test_an_empty_registry_is_made_here_and_opened(here):
    app = page()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "i")
    assert app.chosen is not None
    assert app.chosen.registry == str(here / ".modeldeck" / "registry.db")
    assert (here / ".modeldeck" / "registry.db").exists()


async def test_a_path_is_completed_and_opened(here):
    (here / "mlruns").mkdir()
    app = page()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "down", "down", "enter")
        await typed(pilot, "mlr")
        await press(pilot, "tab", "enter")
    assert app.chosen == Wish(path="mlruns/")


async def test_it_can_be_left(here):
    app = page()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "p", "escape", "escape", "q")
    assert app.chosen is None
    assert app.return_value == 0


async def test_a_demo_that_fails_says_why(here, monkeypatch):
    (here / "taken").write_text("")
    app = page()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "d", "ctrl+l")
        await typed(pilot, "taken")
        await press(pilot, "enter")
        assert "the demo failed (" in dump(app)
        assert "taken" in dump(app)
    assert app.chosen is None


def test_completion_of_paths(here):
    (here / "data").mkdir()
    (here / "data" / "mlflow.db").write_text("")
    assert complete_path("da") == ["data/"]
    assert complete_path("data/ml") == ["data/mlflow.db"]
    assert complete_path("nowhere/x") == ()


def test_nothing_found_names_every_place_in_order(here):
    with pytest.raises(NothingFoundError) as caught:
        find(Wish(), here)
    assert [part.split(" ")[0] for part in caught.value.looked_for] == [
        "MODELDECK_REGISTRY", ".modeldeck", "MLFLOW_TRACKING_URI", "./mlflow.db", "./mlruns",
        "./wandb",
        "context",
    ]  # fmt: skip
