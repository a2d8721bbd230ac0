"""What real trackers wrote, opened in place, followed while it grows, and imported."""

import asyncio
import json

import pytest

from modeldeck.app.config.settings import Settings
from modeldeck.app.mirror import Mirror, open_in_place
from modeldeck.backends.api.lists import RunQuery, all_of
from tests.cli.conftest import run_cli

pytestmark = pytest.mark.real


def test_several_things_are_named_with_what_is_in_them(tracked):
    result = run_cli(tracked.root)
    assert result.code == 2
    for words in ("wandb (W&B, 4 runs)", "logs (TensorBoard, 4 runs)", "Name one, as "):
        assert words in result.err


@pytest.mark.parametrize(
    ("place", "runs", "points"), [("wandb", 4, 370), ("logs", 4, 201), ("trackio", 1, 360)]
)
def test_imported_once_and_not_again(tracked, tmp_path, monkeypatch, place, runs, points):
    monkeypatch.chdir(tmp_path)
    assert run_cli("init").code == 0
    argv = ("import", tracked.root / place, "-o", "json")
    done = json.loads(run_cli(*argv).out)
    assert (done["runs"], done["runs_taken"]) == (runs, runs)
    # The log of the run that was killed may end anywhere.
    assert all("kill0001" in problem["where"] for problem in done["problems"])
    assert done["points"] >= points
    again = json.loads(run_cli(*argv).out)
    assert (again["runs"], again["runs_taken"]) == (runs, 0)
    listed = json.loads(run_cli("runs", "ls", "-o", "json").out)
    assert len(listed["items"]) == runs


async def test_a_log_is_followed_while_somebody_looks(tracked, tmp_path):
    whole = next(tracked.root.glob("wandb/*-kill0001/*.wandb")).read_bytes()
    log = tmp_path / "wandb" / "offline-run-1-kill0001" / "run-kill0001.wandb"
    log.parent.mkdir(parents=True)
    log.write_bytes(whole[:50_000])
    mirror = await open_in_place(tmp_path, Settings(), tool="test")
    assert isinstance(mirror, Mirror)
    try:
        (run,) = await all_of(await mirror.runs(RunQuery()))
        before = mirror.changed()
        await asyncio.wait([mirror.looking])
        assert mirror.changed() == before
        with log.open("ab") as file:
            file.write(whole[50_000:])
        mirror.next_look = 0
        mirror.changed()
        await asyncio.wait([mirror.looking])
        assert mirror.changed() != before
        (later,) = await all_of(await mirror.runs(RunQuery()))
        assert later.metrics["loss"] > run.metrics["loss"]
        points = await mirror.points(run.id, "loss")
        # W&B writes a step's summary before its history, which may be cut off.
        assert 0 <= later.metrics["loss"] - points.values[-1] <= 1 / 7 + 1e-9
    finally:
        await mirror.close()
