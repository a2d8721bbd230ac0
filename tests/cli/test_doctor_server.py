"""`modeldeck doctor` on a server: a real one, one that misbehaves, one that is not there."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import secrets
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest

from modeldeck.app import examine_server, remote
from modeldeck.app.usecases import shelf
from modeldeck.backends.api.artifacts import Artifact
from modeldeck.backends.api.checkup import clock_finding
from modeldeck.backends.api.errors import NotFoundError, UnreachableError
from modeldeck.backends.api.events import Entry
from modeldeck.backends.api.locks import LOCKS
from modeldeck.backends.api.plan import OPERATIONS, RECORDED
from modeldeck.backends.http.addresses import on_this_machine
from modeldeck.backends.mlflow import checkup, permits
from tests.cli.conftest import run_cli
from tests.cli.test_context import Whole
from tests.servers import faults
from tests.servers.certificates import Authority
from tests.servers.proxy import Proxy
from tests.usecases.project import ACTOR

BASIC = "Basic YWxpY2U6czNudGluZWw="  # alice:s3ntinel


def context(url: str, *lines: str) -> None:
    """Make `prod` the context of a server."""
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "modeldeck" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    table = ["[contexts.prod.registry]", 'type = "mlflow"', f'url = "{url}"', *lines]
    path.write_text("\n".join(table) + "\n", encoding="utf-8")


def looked(*argv: str) -> tuple[int, dict[str, list[tuple[str, str, str]]]]:
    """The exit code, and what is said of each thing, as (state, shows, way_out)."""
    result = run_cli("--context", "prod", "doctor", "-o", "json", *argv)
    found: dict[str, list[tuple[str, str, str]]] = {}
    for one in json.loads(result.out)["items"]:
        words = one["state"], one["shows"], one["way_out"] or ""
        found.setdefault(one["about"], []).append(words)
    assert "Traceback" not in result.err
    assert "s3ntinel" not in result.out + result.err
    return result.code, found


def records() -> Path:
    return Path(os.environ["XDG_STATE_HOME"]) / "modeldeck" / "contexts" / "prod" / ".modeldeck"


# Real servers


def make_model(server) -> str:
    """A model of two versions, the first with a file, the second with none; its name."""
    name = f"doctor-{secrets.token_hex(4)}"
    experiment = server.api("POST", "experiments/create", {"name": name})["experiment_id"]
    run = server.api("POST", "runs/create", {"experiment_id": experiment})["run"]["info"]
    path = f"{run['artifact_uri'].removeprefix('mlflow-artifacts:').strip('/')}/model/weights"
    put = f"/api/2.0/mlflow-artifacts/artifacts/{path}"
    assert server.call("PUT", put, {"some": "weights"})[0] == 200
    server.api("POST", "registered-models/create", {"name": name})
    for source in (f"{run['artifact_uri']}/model", f"{run['artifact_uri']}/deleted"):
        body = {"name": name, "source": source, "run_id": run["run_id"]}
        server.api("POST", "model-versions/create", body)
    return name


@pytest.fixture
def model(mlflow_server):
    return make_model(mlflow_server("3"))


def move(server, name: str, version: int) -> None:
    body = {"name": name, "alias": "champion", "version": str(version)}
    server.api("POST", "registered-models/alias", body)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["3", "2"])
async def test_a_server_that_is_well(mlflow_server, kind):
    server = mlflow_server(kind)
    move(server, make_model(server), 1)
    async with Proxy(server.url) as proxy:
        context(proxy.url)
        code, found = await asyncio.to_thread(looked)
        version = server.call("GET", "/version")[1]
        assert found["server"] == [("ok", f"MLflow {version}", "")]
        assert found["clock"] == [("ok", "agrees with the server's", "")]
        assert found["cost of auth"] == [("ok", "none: no credentials are sent", "")]
        assert found["tls"] == [("ok", "none: plain http does not leave this machine", "")]
        (latency,) = found["latency"]
        assert latency[1].startswith("version ")
        assert ", experiments/search " in latency[1]
        may = [shows for _, shows, _ in found["permissions"]]
        assert may[:2] == [
            "nobody in particular: the server asks for no credentials",
            "may be done: alias.set, alias.rm, experiment.tag, run.tag, run.note, run.rm,"
            " run.restore, version.tag, version.lock, version.unlock, model.tag, copy.runs,"
            " copy.model, rollback.drill, approval.ask, approval.approve, approval.refuse,"
            " approval.withdraw, audit.erase",
        ]
        assert any(one.startswith("no version.rm: MLflow deletes a version") for one in may)
        assert found["records"][-1][1].startswith("whole and private")
        light = [one.path for one in proxy.seen if "model" not in one.path]
        assert len([one for one in light if "artifacts" not in one and "runs" not in one]) == 8
        assert proxy.count("GET", "/registered-models/search") == 1
        assert proxy.changes == []
        wrong = [one for about in found.values() for one in about if one[0] == "fail"]
        assert (code, wrong) == (0, [])


@pytest.mark.real
@pytest.mark.slow
def test_where_the_trail_and_the_server_disagree(mlflow_server, model):
    server = mlflow_server("3")
    context(server.url)
    done = run_cli("--context", "prod", "alias", "set", model, "champion", "1", "--yes")
    assert done.code == 0, done.err
    code, found = looked()
    assert (code, found["aliases"]) == (0, [("ok", "1 are where we left them", "")])
    assert not [one for one in found["versions"] if model in one[1]]
    move(server, model, 2)
    # The second look compares with what the first one has written down as observed.
    for _ in range(2):
        code, found = looked()
        ((state, shows, way_out),) = found["aliases"]
        assert (code, state) == (0, "warn")
        assert shows.startswith(f"{model}@champion is at 2, and we left it at 1 (event ")
        assert f"alias set {model} champion 1 --expect 2`" in way_out
    (empty,) = [one for one in found["versions"] if model in one[1]]
    assert empty[:2] == ("warn", f"{model} 2 (@champion) has no files")
    argv = way_out.partition("`modeldeck ")[2].partition("`")[0].split()
    assert run_cli("--context", "prod", *argv, "--yes").code == 0
    assert looked()[1]["aliases"] == [("ok", "1 are where we left them", "")]


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize(
    ("seconds", "state", "code", "words"),
    [
        (60, "warn", 0, "the server's is 60 s ahead of ours"),
        (-3600, "fail", 1, "the server's is 60 min behind ours"),
    ],
)
async def test_a_clock_that_is_off(mlflow_server, seconds, state, code, words):
    async with Proxy(mlflow_server("3").url) as proxy:
        proxy.meet(faults.skewed(seconds))
        context(proxy.url)
        got, found = await asyncio.to_thread(looked)
    assert got == code
    ((said, shows, way_out),) = found["clock"]
    assert (said, shows.replace("59 s", "60 s")) == (state, words)  # servers say whole seconds
    assert way_out


@pytest.mark.real
@pytest.mark.slow
async def test_credentials_that_cost_much(mlflow_server, monkeypatch):
    async def slow(exchange):
        if exchange.request.header("authorization") == BASIC:
            for _ in range(8):
                await exchange.pause()
        await exchange.answer(await exchange.ask())

    monkeypatch.setenv("THE_PASSWORD", "s3ntinel")
    async with Proxy(mlflow_server("3").url) as proxy:
        proxy.meet(slow)
        context(proxy.url, 'auth = "basic"', 'user = "alice"', 'credential_env = "THE_PASSWORD"')
        code, found = await asyncio.to_thread(looked)
        assert all(
            bool(one.header("authorization")) == (one.path != "/health") for one in proxy.seen
        )
    ((state, _, way_out),) = found["cost of auth"]
    assert (code, state) == (0, "warn")
    assert "auth_cache_ttl_seconds = 60" in way_out
    shown = [shows for _, shows, _ in found["permissions"]]
    assert shown[0] == "alice, if the server looks at that: it tells of no permissions"


@pytest.mark.real
@pytest.mark.slow
def test_who_we_are_to_a_server_with_accounts(mlflow_server, monkeypatch):
    server = mlflow_server("3-postgres")
    name, word = make_model(server), secrets.token_urlsafe(12)
    body = {"username": name, "password": word}
    assert server.call("POST", "/api/2.0/mlflow/users/create", body)[0] == 200
    move(server, name, 1)
    grant = {
        "username": name,
        "resource_type": "registered_model",
        "resource_id": name,
        "permission": "READ",
    }
    path = "/api/3.0/mlflow/users/permissions/grant"
    assert server.call("POST", path, grant)[0] == 200
    monkeypatch.setenv("THE_PASSWORD", word)
    context(server.url, 'auth = "basic"', f'user = "{name}"', 'credential_env = "THE_PASSWORD"')
    code, found = looked()
    may = [shows for _, shows, _ in found["permissions"]]
    assert code == 0
    assert may[0] == f"{name}: READ on model {name}; else what everybody may"
    assert f"no alias.set: MLflow gives this user READ on model {name!r}, and no EDIT" in may
    assert word not in str(found)
    monkeypatch.setenv("THE_PASSWORD", "s3ntinel")
    code, found = looked()
    assert code == 1
    ((state, shows, way_out),) = [one for one in found["permissions"] if one[0] != "ok"]
    assert state == "fail"
    assert "does not take our credentials" in shows
    assert "variable THE_PASSWORD" in way_out
    assert "server" not in found


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize(("kind", "state"), [("good", "warn"), ("expired", "fail")])
async def test_a_certificate_that_ends(mlflow_server, tmp_path, kind, state):
    authority = Authority(tmp_path / "ca")
    async with Proxy(mlflow_server("3").url, tls=authority.context(kind)) as proxy:
        context(proxy.url, f'ca_file = "{authority.file}"')
        code, found = await asyncio.to_thread(looked)
    ((said, shows, way_out),) = found["tls"]
    assert (code, said) == (int(state == "fail"), state)
    assert ("0 days more" in shows) == (kind == "good")
    assert way_out == "Renew it on the server"
    assert found["server"][0][0] == ("ok" if kind == "good" else "fail")


# What stands in for one


@pytest.mark.simulated
def test_a_server_that_is_away():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        context(f"http://127.0.0.1:{taken.getsockname()[1]}")
        code, found = looked()
    assert code == 1
    ((state, shows, way_out),) = found["server"]
    assert state == "fail"
    assert "127.0.0.1" in shows
    assert way_out
    assert found["records"][-1][1].startswith("whole and private")
    assert "versions" not in found


@pytest.mark.simulated
async def test_a_login_page_in_its_stead():
    async with Proxy("http://127.0.0.1:1") as proxy:
        proxy.meet(faults.login_page)
        context(proxy.url)
        code, found = await asyncio.to_thread(looked)
    assert code == 1
    ((state, shows, _),) = found["server"]
    assert state == "fail"
    assert "an HTML page came instead of data" in shows


@pytest.mark.simulated
@pytest.mark.parametrize("patience", [0.3, 30])
async def test_a_server_that_never_answers(monkeypatch, patience):
    """Given up by the one deadline or by the other."""
    monkeypatch.setattr(examine_server, "PATIENCE", patience)
    async with Proxy("http://127.0.0.1:1") as proxy:
        proxy.meet(faults.hang)
        context(proxy.url, f"deadline = {0.3 if patience == 30 else 20}")
        code, found = await asyncio.to_thread(looked)
        assert {one.path for one in proxy.seen} == {"/health"}
    assert code == 1
    ((state, _, way_out),) = found["server"]
    assert state == "fail"
    assert way_out
    assert found["records"][-1][1].startswith("whole and private")


class Odd(Whole):
    """A server of another kind, where an alias points at what is not there."""

    def __init__(self) -> None:
        super().__init__()
        self.aliases_of = {"fraud": {"champion": 9, "next": 2, "old": 1}}

    async def version(self, model, number):
        if number == 9:
            raise NotFoundError("no version 9")
        return await super().version(model, number)

    async def artifacts(self, owner):
        if owner.endswith("/2"):
            raise UnreachableError("the server answered 500", way_out="Try again later")
        return [Artifact(path="model.bin", size=3)]


@pytest.fixture
def odd(monkeypatch):
    server = Odd()
    monkeypatch.setattr(remote, "load_adapter", lambda _: lambda _: server)
    context("https://no-such-host.invalid")
    return server


async def note(phase: str, **more) -> int:
    """An event of `prod` that happened before."""
    kept = remote.open_records("prod", None, "test")
    kept.clock = lambda: datetime.now(UTC) - timedelta(hours=1)
    entry = Entry(
        actor=ACTOR,
        tool="test",
        context="prod",
        phase=phase,
        action="alias.set",
        subject="models/fraud@next",
        before={"version": 1},
        after={"version": 3},
        **more,
    )
    event = await kept.note(entry)
    await kept.close()
    return event.seq


@pytest.mark.simulated
def test_aliases_that_point_at_nothing_and_files_that_cannot_be_listed(odd):
    code, found = looked()
    assert code == 1
    assert [one[:2] for one in found["versions"]] == [
        ("warn", "fraud 2 (@next): its files cannot be listed: the server answered 500"),
        ("fail", "fraud 9 (@champion) is not there: who loads it by its alias finds nothing"),
        ("ok", "1 that aliases point at are there, with their files"),
    ]
    assert found["server"] == [("ok", "scripted answers", "")]


@pytest.mark.simulated
def test_at_most_twenty_versions_are_looked_at(odd):
    odd.aliases_of = {f"m{n:02}": {"champion": 1} for n in range(25)}
    shows = "20 that aliases point at are there, with their files; 5 more were not looked at"
    assert looked()[1]["versions"] == [("ok", shows, "")]


@pytest.mark.simulated
def test_changes_that_nobody_knows_the_end_of(odd):
    begun = asyncio.run(note("intent"))
    code, found = looked("--readonly")  # who may write finds out at once
    assert code == 1
    ((state, shows, _),) = found["changes"]
    words = "it was begun, and nobody wrote down how it ended"
    assert (state, shows) == ("warn", f"event {begun}, alias.set of models/fraud@next: {words}")
    unknown = asyncio.run(note("unknown", caused_by=begun))
    _, found = looked("--readonly")
    ((_, shows, _),) = found["changes"]
    words = "whether it was done is not known"
    assert shows == f"event {unknown}, alias.set of models/fraud@next: {words}"


@pytest.mark.simulated
def test_records_that_are_damaged_or_open_to_others(odd):
    looked()
    records().chmod(0o755)
    _, found = looked()
    assert [one for one in found["records"] if "chmod 0700" in one[2]]
    path = records() / "registry.db"
    path.write_bytes(b"damaged" * 2000)
    code, found = looked()
    assert code == 1
    assert any(one[0] == "fail" and "is not a SQLite" in one[1] for one in found["records"])


@pytest.mark.simulated
@pytest.mark.parametrize("lines", [(), ('auth = "none"',), ("verify = false",)])
def test_a_way_on_which_others_can_listen(odd, lines):
    context("http://no-such-host.invalid", *lines)
    _, found = looked()
    told = [shows for state, shows, _ in found["context prod"] if state == "warn"]
    assert sum(one.startswith("http:// ") for one in told) == 1
    assert ("verify = false" in lines) == any("verify is false" in one for one in told)
    assert "tls" not in found


# What is told from words and numbers


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("127.0.0.1.example.org", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_which_hosts_are_this_machine(host, here):
    assert on_this_machine(host) == here


@pytest.mark.parametrize(
    ("seconds", "weight"),
    [(None, "note"), (-5, "note"), (6, "doubtful"), (300, "doubtful"), (-301, "bad")],
)
def test_how_far_a_clock_may_be_off(seconds, weight):
    skew = None if seconds is None else timedelta(seconds=seconds)
    assert clock_finding(skew).weight == weight


@pytest.mark.parametrize(
    ("said", "weight"),
    [
        ("2.22.5", "note"),
        ("3.17.2", "note"),
        ("3.0.0rc1", "note"),
        ("2.9.2", "doubtful"),
        ("4.0", "doubtful"),
        ("<html>", "doubtful"),
        ("", "doubtful"),
    ],
)
def test_which_versions_we_are_tested_on(said, weight):
    assert checkup.version_finding(said).weight == weight


def test_what_credentials_cost():
    health = [0.9, 0.01, 0.02]
    assert checkup.cost(health, [0.4, 0.11, 0.1], BASIC).weight == "note"
    dear = checkup.cost(health, [0.25, 0.27, 0.26], BASIC)
    assert (dear.weight, dear.what) == ("doubtful", "240 ms a call")
    assert "auth_cache_ttl_seconds" in dear.way_out
    assert "auth_cache_ttl_seconds" not in checkup.cost(health, [0.3], "Bearer x").way_out
    assert "not known" in checkup.cost([], [0.3], BASIC).what


# Names of what can be done


NOUNS = get_args(shelf.Noun)
MANY = {
    "{noun}.tag": [f"{noun}.tag" for noun in NOUNS],
    "{noun}.{verb}": [f"{noun}.{verb}" for noun in NOUNS for verb in ("rm", "restore")],
    "{noun}.purge": [f"{noun}.purge" for noun in NOUNS],
    "version.{verb}": LOCKS,
}
"""What stands for several names in the sources."""


def planned() -> set[str]:
    """The operations that use cases make plans of, as their sources say."""
    found: set[str] = set()
    for path in Path(shelf.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "make_plan":
                name = node.args[1]
                if isinstance(name, ast.Constant):
                    found.add(name.value)
                elif isinstance(name, ast.JoinedStr):
                    found |= set(MANY[ast.unparse(name)[2:-1]])
                elif path.name != "undo.py":  # it makes plans of the others
                    assert isinstance(name, ast.Name)
                    found.add(named[name.id])
    return found


def test_the_list_of_operations_is_that_of_plans():
    assert planned() == set(OPERATIONS)


def test_mlflow_has_an_answer_to_each_that_goes_to_it():
    answers = {one: permits.availability(one, "", "", None, "").reason for one in OPERATIONS}
    nothing = {one for one, reason in answers.items() if "MLflow has nothing for" in reason}
    assert nothing == {one for one in OPERATIONS if one.startswith(RECORDED)}


@pytest.mark.simulated
def test_a_context_says_what_cannot_be_changed_there(odd, monkeypatch):
    def availability(operation, subject=""):
        return permits.availability(operation, subject, "", None, "")

    async def experiments(*_):
        return ()

    monkeypatch.setattr(odd, "availability", availability)
    monkeypatch.setattr(odd, "experiments", experiments)
    result = run_cli("context", "test", "prod", "-o", "json")
    assert result.code == 0, result.err
    (changes,) = [one for one in json.loads(result.out)["items"] if one["about"] == "changes"]
    assert changes["shows"].startswith("can be made; no run.purge: MLflow has no call for it")
    assert "no version.card: MLflow has no cards" in changes["shows"]
    there = [one for one in OPERATIONS if not one.startswith(RECORDED)]
    withheld = {one for one in there if availability(one).reason}
    assert {one for one in OPERATIONS if one in changes["shows"]} == withheld
