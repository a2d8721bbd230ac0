"""Two clients, one alias: one of them wins, and the other is told both values."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest

from modeldeck.backends.local import open_registry
from modeldeck.backends.local.trail import verify
from tests.console.releases import make
from tests.mlflow.reaching import reach
from tests.usecases.racing import client, tell

pytestmark = pytest.mark.real
ROUNDS = 200
FAR_ROUNDS = 12


@pytest.fixture
def past(tmp_path):
    return shutil.move(make(tmp_path / "made"), tmp_path / "one")


@contextmanager
def two(*arguments):
    clients = [client(*given) for given in arguments]
    try:
        yield clients
    finally:
        for one in clients:
            one.stdin.close()
        for one in clients:
            one.wait(60)
            one.stdout.close()


async def test_of_two_hundred_races_each_has_one_winner(past):
    at, won = 2, [0, 0]
    with two((past,), (past,)) as clients:
        for _ in range(ROUNDS):
            goals = [number for number in (1, 2, 3) if number != at]
            tell(clients, *(f"plan {number}" for number in goals))
            answers = tell(clients, "go", "go")
            words = [answer[0] for answer in answers]
            assert sorted(words) == ["lost", "won"], answers
            winner = words.index("won")
            loser = " ".join(answers[1 - winner])
            assert "lost ConflictError" in loser
            assert f"version is {goals[winner]} now, the plan expects {at}" in loser
            at = goals[winner]
            won[winner] += 1
    registry = open_registry(past)
    assert (await registry.model("fraud")).aliases["champion"] == at
    window = await registry.events(None, (), ROUNDS + 50)
    moved = [e for e in window.first if e.subject == "models/fraud@champion" and e.actor.host]
    assert len([e for e in moved if e.context == "race"]) == ROUNDS
    assert registry.registry.read_now(verify) is None
    await registry.close()
    assert sum(won) == ROUNDS


def test_on_the_command_line_the_loser_exits_4_with_both_values(past):
    command = [sys.executable, "-m", "modeldeck.app", "--registry", str(past)]
    command += ["promote", "fraud@champion"]
    processes = [
        subprocess.Popen(
            [*command, str(number), "--expect", "2", "--yes"], stderr=subprocess.PIPE, text=True
        )
        for number in (1, 3)
    ]
    said = [process.communicate()[1] for process in processes]
    codes = [process.returncode for process in processes]
    assert sorted(codes) == [0, 4], said
    now = (1, 3)[codes.index(0)]
    loser = said[codes.index(4)]
    # Before its plan or after it, both are named.
    assert (
        f"it is version {now} now, version 2 was expected" in loser
        or f"version is {now} now, the plan expects 2" in loser
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["3", "2"])
async def test_on_a_server_without_compare_and_set_the_loser_is_told(mlflow_server, tmp_path, kind):
    server = mlflow_server(kind)
    model = f"race-{secrets.token_hex(4)}"
    there = reach(server)
    make_versions(server, model)
    at = 1
    with two(*((tmp_path / name, server.url, model) for name in ("a", "b"))) as clients:
        for _ in range(FAR_ROUNDS):
            goals = [number for number in (1, 2, 3) if number != at]
            tell(clients, *(f"plan {number}" for number in goals))
            answers = tell(clients, "go", "go")
            now = (await there.aliases(model))[0].version
            assert now in goals, answers
            lost = goals.index(now) ^ 1
            told = " ".join(answers[lost])
            if answers[lost][0] == "won":
                # It wrote first, and read its own value back: its next look tells.
                looks = tell(clients, "look", "look")
                assert looks[lost] == ["sees", str(now), "observed", str(now)], (answers, looks)
            else:
                assert "ConflictError" in told
                assert str(now) in told
            assert answers[1 - lost][0] == "won", answers
            at = now
    await there.close()


def make_versions(server, model):
    """Three versions, the first of them champion."""
    server.api("POST", "registered-models/create", {"name": model})
    for _ in range(3):
        server.api("POST", "model-versions/create", {"name": model, "source": "s3://x/y"})
    body = {"name": model, "alias": "champion", "version": "1"}
    server.api("POST", "registered-models/alias", body)
