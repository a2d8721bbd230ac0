"""A server that bites: what it answers, and what it has in its answers, through every screen."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from modeldeck.app.workspace import Wish, open_session
from modeldeck.backends.http import sending
from tests.cli.conftest import run_cli
from tests.cli.test_hostile import safe
from tests.console.dump import dump, open_console, settled
from tests.hostile.screens import every_screen
from tests.hostile.strings import ESCAPES, MARKUP, NAMES
from tests.hostile.test_every_screen import steered
from tests.http.serving import answer, serving
from tests.servers.lab import make_lab

pytestmark = pytest.mark.simulated

TOKEN = "s3cret-zq7-token"
EVIL = "".join((ESCAPES[0], MARKUP[0], "\u202e\x9b5;31m", MARKUP[4]))
HEADER = EVIL.encode("utf-8", "replace").decode("latin-1").replace("\r", "").replace("\n", "")
RUN = "a" * 32
PAGES = {
    **dict.fromkeys(
        (
            "OverviewScreen", "ExperimentsScreen", "RunsScreen", "ModelsScreen", "VersionsScreen",
            "EventsScreen", "TrashScreen", "InboxScreen", "CallsScreen", "TimelineScreen",
            "JumpScreen", "ContextsScreen",
        ),
        (),
    ),
    "RunScreen": (RUN, "tags"),
    "VersionScreen": (EVIL, 1),
}  # fmt: skip
QUICK = ("RunsScreen", "VersionsScreen", "RunScreen", "VersionScreen")
COMMANDS = (["status"], ["experiments", "ls"], ["runs", "ls"], ["models", "ls"], ["versions", "ls"],
            ["alias", "ls"], ["trash", "ls"], ["audit", "ls"], ["runs", "show", RUN],
            ["doctor"])  # fmt: skip


def always(*parts: bytes):
    async def script(_, line):
        for part in parts:
            await line.write(part)

    return script


def error(status: int, **headers: str):
    body = json.dumps({"error_code": EVIL, "message": EVIL})
    return always(answer(body, status, **headers))


async def loop(request, line):
    await line.write(answer("", 302, location=request.target))


async def reset(_, line):
    line.reset()


SAYS = {
    "another origin": always(answer("", 302, location="http://127.0.0.2:1/x")),
    "a place of odd letters": always(answer("", 302, location=HEADER)),
    "a loop": loop,
    "lost": reset,
    "a login page": always(answer(f"<html><title>{EVIL}</title><form>", kind="text/html")),
    "a type of odd letters": always(answer(EVIL, kind=HEADER)),
    "a bomb": always(answer(gzip.compress(b" " * (64 << 20)), content_encoding="gzip")),
    "not JSON": always(answer(EVIL)),
    "not a number": always(answer('{"runs": NaN, "experiments": 1e999, "a": 1e999}')),
    "digits": always(answer('{"runs": ' + "9" * 5000 + "}")),
    "depth": always(answer("[" * 100_000)),
    "the same key twice": always(answer('{"runs": [], "runs": 3}')),
    "headers of 200 KB": always(answer("{}", odd="x" * 200_000)),
    "no HTTP": always(f"220 {HEADER}\r\n\r\n".encode("latin-1")),
    **{f"{status} of odd letters": error(status) for status in (400, 401, 403, 404, 429, 500, 503)},
    **{
        f"429 until {when[:12]!r}": error(429, retry_after=when)
        for when in ("9" * 400, "-5", HEADER, "Thu, 01 Jan 1970 00:00:00 GMT")
    },
}
TIME = 1 << 62
"""Of no year that there is."""


def hostile(name: str) -> dict[str, object]:
    """What an MLflow says in which everything that can be a text is this one."""
    tags = [{"key": f"k{name}", "value": name}, {"key": "mlflow.user", "value": name}]
    info = {
        "run_id": RUN, "run_name": name, "experiment_id": "1", "status": name, "start_time": 5,
        "end_time": TIME, "lifecycle_stage": name, "artifact_uri": name, "user_id": name,
    }  # fmt: skip
    metrics = [{"key": name, "value": v, "timestamp": TIME, "step": 1} for v in ("NaN", 1e308)]
    run = {"info": info, "data": {"metrics": metrics, "params": tags, "tags": tags}}
    version = {
        "name": name, "version": "1", "source": name, "status": name, "status_message": name,
        "current_stage": name, "description": name, "run_id": RUN, "tags": tags,
        "creation_timestamp": -TIME, "user_id": name,
    }  # fmt: skip
    model = {
        "name": name, "description": name, "tags": tags, "last_updated_timestamp": TIME,
        "aliases": [{"alias": name, "version": "1"}], "latest_versions": [version],
    }  # fmt: skip
    experiment = {"experiment_id": "1", "name": name, "lifecycle_stage": name, "tags": tags}
    return {
        "experiments/search": {"experiments": [experiment]},
        "experiments/get": {"experiment": experiment},
        "runs/search": {"runs": [run]},
        "runs/get": {"run": run},
        "registered-models/search": {"registered_models": [model]},
        "registered-models/get": {"registered_model": model},
        "model-versions/search": {"model_versions": [version]},
        "model-versions/get": {"model_version": version},
        "artifacts/list": {"root_uri": name, "files": [{"path": name, "file_size": 7}]},
    }


def speaking(name: str):
    says = hostile(name)

    async def mlflow(request, line):
        path = request.target.partition("?")[0].partition("/api/2.0/mlflow/")[2]
        said = says.get(path, {"error_code": "ENDPOINT_NOT_FOUND", "message": name})
        await line.write(answer(json.dumps(said), 200 if path in says else 404))

    return mlflow


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAB_TOKEN", TOKEN)
    monkeypatch.setattr(sending, "LONGEST_PAUSE", 0.0)  # it tries again, but at once


def configure(url: str) -> None:
    """Make that server the context `lab`."""
    make_lab(url, first="refresh = 0", auth="token", credential_env="LAB_TOKEN")


async def looked_through(pages=tuple(PAGES)) -> str:
    """The console on it, screen by screen; gives all that stood there."""
    shown = ""
    session = await open_session(Wish())
    try:
        async with open_console(session, size=(100, 30)) as pilot:
            for name in pages:
                below = pilot.app.screen
                pilot.app.push_screen(every_screen()[name](*PAGES[name]))
                await settled(pilot)
                assert steered(pilot.app) == [], name
                shown += dump(pilot.app)
                while pilot.app.screen is not below:
                    pilot.app.pop_screen()
            assert pilot.app._exception is None
            calls = pilot.app.bridge.calls
            assert [one for one in calls if "defect" in one.outcome] == []
    finally:
        await session.registry.close()
    assert TOKEN not in shown
    return shown


def printed() -> None:
    for words in COMMANDS:
        done = run_cli(*words)
        assert safe(done.out + done.err), words
        assert done.code in (0, 2, 3, 4) or words == ["doctor"], done.err
        assert "an error of modeldeck itself" not in done.err, words
        assert TOKEN not in done.out + done.err


@pytest.mark.slow
@pytest.mark.parametrize("name", SAYS)
async def test_what_it_answers(name):
    async with serving(SAYS[name]) as there:
        configure(there.url)
        await looked_through()
        await asyncio.to_thread(printed)
        assert there.seen


@pytest.mark.slow
@pytest.mark.parametrize("at", range(0, len(NAMES), 15))
async def test_what_stands_in_its_answers(at):
    name = "".join(one[:300] for one in NAMES[at : at + 15])
    async with serving(speaking(name)) as there:
        configure(there.url)
        await looked_through()
        await asyncio.to_thread(printed)
        assert there.seen


async def test_the_worst_of_both():
    async with serving(speaking(EVIL)) as there:
        configure(there.url)
        assert "\\u{1b}]52" in await looked_through(QUICK)
    async with serving(SAYS["400 of odd letters"]) as there:
        configure(there.url)
        await asyncio.to_thread(printed)
