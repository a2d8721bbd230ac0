"""`modeldeck context`, and how a context is found and opened."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from modeldeck.app import remote
from modeldeck.app.config import named, settings
from modeldeck.app.workspace import Wish, find, open_session
from modeldeck.backends.api.connect import Connection
from modeldeck.backends.api.errors import ModeldeckError, RefusedError, UsageError
from modeldeck.backends.api.events import Entry
from modeldeck.backends.api.protocols import Server
from modeldeck.backends.journal import Journaled
from tests.cli.conftest import run_cli
from tests.journal.scripted import CHAMPION, Scripted
from tests.pty import Terminal
from tests.usecases.project import ACTOR, plan_of

PROGRAM = [sys.executable, "-m", "modeldeck.app"]
PROD = '[contexts.prod.registry]\ntype = "mlflow"\nurl = "https://host/x"\n'
URI = "MLFLOW_TRACKING_URI"


@pytest.fixture
def config() -> Path:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "modeldeck" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def system(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "system.toml"
    for module in (settings, named):
        monkeypatch.setattr(module, "system_config_file", lambda: path)
    return path


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def listed() -> dict[str, dict]:
    return {
        one["name"]: one for one in json.loads(run_cli("context", "ls", "-o", "json").out)["items"]
    }


def test_a_context_is_added_chosen_and_removed(config):
    write(config, "# mine\nascii = true  # for the old terminal\n\n# end\n")
    result = run_cli(
        "context", "add", "prod", "--url", "https://host/x", "--protected", "--readonly",
        "--workspace", "risk", "--auth", "basic", "--user", "al\"ice",
        "--credential-command", "pass show 'ml flow'", "--deadline", "3", "--cache", "off",
    )  # fmt: skip
    assert (result.code, result.out) == (0, "")
    assert f"added context prod to {config}" in result.err
    assert read(config) == (
        "# mine\nascii = true  # for the old terminal\n\n# end\n\n"
        "[contexts.prod]\nprotected = true\nreadonly = true\n[contexts.prod.registry]\n"
        'type = "mlflow"\nurl = "https://host/x"\nworkspace = "risk"\nauth = "basic"\n'
        'user = "al\\"ice"\ndeadline = 3.0\ncache = "off"\n'
        'credential_command = ["pass", "show", "ml flow"]\n'
    )
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert listed()["prod"] == {
        "name": "prod",
        "chosen": False,
        "type": "mlflow",
        "url": "https://host/x",
        "path": None,
        "workspace": "risk",
        "user": 'al"ice',
        "protected": True,
        "readonly": True,
        "slots": ["registry"],
        "source": str(config),
    }
    assert run_cli("context", "use", "prod").code == 0
    assert listed()["prod"]["chosen"]
    assert (
        run_cli("context", "ls").out.splitlines()[1].startswith("*  prod  mlflow  https://host/x")
    )
    result = run_cli("context", "rm", "prod")
    assert result.code == 0
    assert read(config) == "# mine\nascii = true  # for the old terminal\n\n# end\n"
    assert listed() == {}


def test_a_further_slot_is_added(config, tmp_path):
    write(config, PROD)
    result = run_cli("context", "add", "prod", "--slot", "records", "--path", tmp_path / "r")
    assert result.code == 0
    assert read(config) == (
        f'{PROD}\n[contexts.prod.records]\ntype = "local"\npath = "{tmp_path / "r"}"\n'
    )


REFUSED = {
    "a name taken": (["add", "prod", "--url", "https://y"], "there is a context 'prod' with a"),
    "a name for a path": (["add", "../x", "--url", "https://y"], "cannot name a context"),
    "MLflow's own": (["add", "env", "--url", "https://y"], "MLflow's own environment"),
    "an unknown type": (["add", "x", "--type", "nix"], "--type: there is no backend 'nix'"),
    "no url": (["add", "x"], "contexts.x.registry: says no url"),
    "no command": (
        ["add", "x", "--url", "https://y", "--credential-command", "'s3ntinel"],
        "--credential-command is no command",
    ),
    "a secret in a URL": (
        ["add", "x", "--url", "https://a:s3ntinel@y"],
        "--url: holds a user or a password. Take it out of the URL: `modeldeck login` keeps it",
    ),
    "a secret in a proxy": (
        ["add", "x", "--url", "https://y", "--proxy", "http://a:s3ntinel@y"],
        "--proxy: holds a user or a password",
    ),
    "another host not checked": (
        ["add", "x", "--url", "https://y", "--no-verify", "z"],
        "--no-verify names another host",
    ),
    "none to use": (["use"], "name a context, or give --none"),
    "one that is not there to use": (["use", "prd"], "there is no context 'prd'"),
    "one that is not there to remove": (["rm", "nix"], "there is no context 'nix' in config.toml"),
    "one that is not there to test": (["test", "nix"], "there is no context 'nix'"),
    "none to test": (["test"], "no context was named"),
}


@pytest.mark.parametrize("about", REFUSED)
def test_what_cannot_be_is_said_and_changes_nothing(config, about):
    write(config, PROD)
    argv, words = REFUSED[about]
    result = run_cli("context", *argv)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert "s3ntinel" not in result.err
    assert read(config) == PROD


def test_the_machine_s_own_contexts_stay(config, system):
    write(system, f"[contexts.prod]\nprotected = true\n{PROD}")
    write(config, "[contexts.prod]\nreadonly = true\n")
    found = listed()["prod"]
    assert (found["source"], found["protected"], found["readonly"]) == (str(system), True, True)
    for argv in (["rm", "prod"], ["add", "prod", "--url", "https://mine"]):
        result = run_cli("context", *argv)
        assert result.code == 4
        assert "belongs to the machine's own file" in result.err
    assert run_cli("context", "use", "prod").code == 0
    write(system, f'context = "prod"\n{PROD}')
    assert run_cli("context", "use", "--none").code == 4


def test_one_host_is_believed_unchecked_when_it_is_typed(config):
    result = run_cli("context", "add", "x", "--url", "https://y:8443", "--no-verify", "y")
    assert result.code == 0
    assert "verify = false" in read(config)
    doctor = json.loads(run_cli("doctor", "-o", "json").out)["items"]
    assert "anybody is believed to be y" in {o["state"]: o["shows"] for o in doctor}["warn"]


def test_mlflow_s_own_is_listed_without_its_password(monkeypatch):
    monkeypatch.setenv(URI, "https://alice:s3ntinel@host/x")
    result = run_cli("context", "ls", "-o", "json")
    assert "s3ntinel" not in result.out + result.err
    assert listed()["env"]["url"] == "https://host/x"
    for argv in (["info"], ["info", "-o", "json"], ["doctor"], ["context", "ls"]):
        result = run_cli(*argv)
        assert "s3ntinel" not in result.out + result.err
        assert "alice:" not in result.out + result.err


def test_info_shows_no_secret(config):
    write(
        config,
        f'context = "prod"\n{PROD}credential_command = ["give", "s3ntinel"]\n'
        '[contexts.prod.registry.options]\nkey = "s3ntinel"\n',
    )
    for form in ("table", "json"):
        result = run_cli("info", "-o", form)
        assert "give" in result.out
        assert "s3ntinel" not in result.out + result.err


# Where it is found


def test_the_order_in_which_a_context_is_found(config, tmp_path, monkeypatch, made):
    write(config, f'context = "last"\n{PROD}{PROD.replace("prod", "last")}')
    here = tmp_path / "here"
    here.mkdir()

    def found(**wish) -> tuple[str, str]:
        place = find(Wish(**wish), here)
        return place.context, place.why

    assert found() == ("last", "context in config.toml")
    (here / "mlruns").mkdir()
    assert found() == ("mlruns", f"found in {here}")
    monkeypatch.setenv(URI, "http://host")
    assert found() == ("env", URI)
    (here / ".modeldeck").mkdir()
    (here / ".modeldeck" / "registry.db").touch()
    assert found() == ("here", f"found in {here}")
    monkeypatch.setenv("MODELDECK_CONTEXT", "prod")
    assert found() == ("prod", "MODELDECK_CONTEXT")
    monkeypatch.setenv("MODELDECK_REGISTRY", str(made))
    assert found() == ("bank", "MODELDECK_REGISTRY")
    assert found(context="last") == ("last", "--context")
    assert found(context="env") == ("env", "--context")
    with pytest.raises(UsageError, match="name two places"):
        found(context="last", registry="x")
    with pytest.raises(UsageError, match="Did you mean prod"):
        found(context="prd")
    monkeypatch.setenv(URI, "sqlite:///x.db")
    assert found(context="env")[1] == "--context"
    monkeypatch.delenv(URI)
    assert find(Wish(context="env"), here).name == "env"
    with pytest.raises(UsageError, match=f"{URI} is not set"):
        asyncio.run(open_session(Wish(context="env"), here))


def test_choosing_says_what_is_nearer(config, tmp_path, monkeypatch):
    write(config, PROD)
    (tmp_path / "mlruns").mkdir()
    monkeypatch.chdir(tmp_path)
    result = run_cli("context", "use", "prod")
    assert "but not here: found in" in result.err


def test_names_are_completed_without_opening_anything(config, monkeypatch):
    write(config, PROD + PROD.replace("prod", "previous"))
    monkeypatch.setenv(URI, "https://host")
    for words in ("modeldeck context use ", "modeldeck --context ", "modeldeck login "):
        monkeypatch.setenv("_MODELDECK_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", f"{words}pr")
        monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
        assert run_cli().out.split() == ["plain,prod", "plain,previous"]


# How it is opened


async def opened(**wish):
    return await open_session(Wish(**wish), Path.cwd())


async def test_a_server_is_opened_with_its_records_and_not_spoken_to(config):
    write(config, f"[contexts.prod]\nprotected = true\n{PROD}")
    session = await opened(context="prod")
    try:
        assert isinstance(session.registry, Journaled)
        assert (session.context, session.protected, session.readonly) == ("prod", True, "")
        assert session.folder is None
        assert session.remote
        assert not session.registry.exchanges
        assert len((await session.registry.events()).first) == 0
    finally:
        await session.registry.close()
    records = Path(os.environ["XDG_STATE_HOME"]) / "modeldeck" / "contexts" / "prod"
    assert (records / ".modeldeck" / "registry.db").exists()
    assert stat.S_IMODE(records.stat().st_mode) == 0o700
    again = await opened(context="prod")
    await again.registry.close()


async def test_records_lie_where_the_slot_says(config, tmp_path):
    there = tmp_path / "records"
    write(config, f'{PROD}[contexts.prod.records]\ntype = "local"\npath = "{there}"\n')
    session = await opened(context="prod")
    await session.registry.close()
    assert (there / ".modeldeck" / "registry.db").exists()


async def test_records_on_a_network_are_refused(config, monkeypatch):
    monkeypatch.setattr("modeldeck.backends.local.files.file_system", lambda _: "nfs4")
    write(config, PROD)
    with pytest.raises(RefusedError, match="lies on nfs4"):
        await opened(context="prod")


@pytest.mark.parametrize(
    ("text", "wish", "reason"),
    [
        ("[contexts.prod]\nreadonly = true\n", {}, "context prod is readonly in config.toml"),
        ("", {"readonly": True}, "this session was opened with --readonly"),
        ("readonly = true\n", {}, "config.toml says readonly"),
    ],
)
async def test_what_is_read_only_says_why(config, text, wish, reason):
    write(config, text + PROD)
    session = await opened(context="prod", **wish)
    try:
        assert session.readonly == reason
        assert session.registry.availability("alias.set").reason == reason
        with pytest.raises(RefusedError, match=reason):
            session.check_writable("alias.set")
        with pytest.raises(ModeldeckError, match=reason):
            await session.registry.apply(plan_of("alias.set"), session.actor, "prod")
    finally:
        await session.registry.close()


async def test_mlflow_s_own_is_as_strict_as_the_context_of_that_server(config, monkeypatch):
    write(config, f"[contexts.prod]\nprotected = true\nreadonly = true\n{PROD}")
    monkeypatch.setenv(URI, "https://a:b@host/x/")
    session = await opened()
    await session.registry.close()
    assert (session.context, session.protected) == ("env", True)
    assert session.readonly == "context env is readonly in config.toml"


def test_a_local_context_is_a_registry(config, project):
    write(config, f'[contexts.bank.registry]\ntype = "local"\npath = "{project}"\n')
    assert run_cli("--context", "bank", "info", "-o", "json").code == 0
    found = json.loads(run_cli("--context", "bank", "info", "-o", "json").out)["registry"]
    assert (found["context"], found["folder"]) == ("bank", str(project / ".modeldeck"))
    assert run_cli("--context", "bank", "alias", "set", "fraud", "x", "1", "--yes").code == 0
    code = "open('metrics.jsonl', 'a').close()"
    done = run_cli("--context", "bank", "run", "-e", "new", "--", sys.executable, "-c", code)
    assert done.code == 0, done.err
    names = json.loads(run_cli("--context", "bank", "experiments", "ls", "-o", "json").out)["items"]
    assert "new" in {one["name"] for one in names}


def test_runs_are_not_recorded_elsewhere_than_was_said(config, tmp_path, monkeypatch):
    write(config, PROD)
    monkeypatch.chdir(tmp_path)
    result = run_cli("--context", "prod", "run", "--", "true")
    assert result.code == 4
    assert "runs and versions are recorded in a registry on this machine" in result.err
    assert not (tmp_path / ".modeldeck").exists()


async def test_an_adapter_is_given_what_the_slot_says(config, monkeypatch):
    given: list[Connection] = []

    def connect(connection: Connection):
        given.append(connection)
        raise UsageError("enough")

    monkeypatch.setattr(remote, "load_adapter", lambda _: connect)
    write(
        config,
        f'{PROD}workspace = "risk"\ncache = "off"\nca_file = "~/ca.pem"\nproxy = "http://p:1"\n'
        'client_cert = "/c"\nclient_key = "/k"\nverify = false\ndeadline = 45\nauth = "none"\n'
        "[contexts.prod.registry.options]\nregion = 3\n",
    )
    with pytest.raises(UsageError, match="enough"):
        await opened(context="prod")
    (found,) = given
    assert (found.context, found.url, found.read_only) == ("prod", "https://host/x", "")
    assert found.options == {"region": 3, "workspace": "risk", "cache": "off"}
    assert found.trust.ca_file == f"{os.environ['HOME']}/ca.pem"
    assert (found.trust.client_cert, found.trust.client_key) == ("/c", "/k")
    assert (found.trust.proxy, found.trust.verify) == ("http://p:1", False)
    assert (found.limits.deadline, found.limits.total) == (45.0, 45.0)
    assert found.credentials is not None
    assert await found.credentials.header() is None


class Whole(Scripted):
    """All that a server has; what no test here uses is there by name alone."""


for _name in dir(Server):
    if not _name.startswith("_") and not hasattr(Whole, _name):
        setattr(Whole, _name, lambda *_: None)


@pytest.mark.parametrize(("found", "phase"), [(1, "failed"), (2, "done"), (3, "unknown")])
async def test_what_a_crash_left_open_is_looked_into(config, monkeypatch, found, phase):
    write(config, PROD)
    server = Whole()
    server.aliases_of["fraud"]["champion"] = found
    monkeypatch.setattr(remote, "load_adapter", lambda _: lambda _: server)
    records = remote.open_records("prod", None, "test")
    intent = Entry(
        actor=ACTOR,
        tool="test",
        context="prod",
        phase="intent",
        action="alias.set",
        subject=CHAMPION,
        before={"version": 1},
        after={"version": 2},
    )
    begun = await records.note(intent)
    await records.close()
    reading = await opened(context="prod", readonly=True)
    assert len(await reading.registry.records.opened()) == 1, "who only reads settles nothing"
    await reading.registry.close()
    session = await opened(context="prod")
    try:
        newest = (await session.registry.events()).first[0]
        assert (newest.phase, newest.caused_by) == (phase, begun.seq)
        assert not await session.registry.records.opened()
    finally:
        await session.registry.close()
    assert server.writes == []


# Adapters of others

PLUGIN = """
from pathlib import Path
from modeldeck.backends.local import open_registry

def connect(connection):
    return open_registry(Path(connection.options["folder"]), read_only=connection.read_only)

def nothing(connection):
    return object()

def failing(connection):
    raise ValueError("s3ntinel")
"""
BROKEN = "raise RuntimeError('no such luck')\n"


@pytest.fixture
def plugins(tmp_path, monkeypatch) -> Path:
    """A package of somebody else, as pip would have installed it."""
    folder = tmp_path / "site"
    info = folder / "others-1.0.dist-info"
    info.mkdir(parents=True)
    write(info / "METADATA", "Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    write(
        info / "entry_points.txt",
        "[modeldeck.backends]\nother = others:connect\nnothing = others:nothing\n"
        "failing = others:failing\nbroken = others_broken:connect\nmlflow = others_broken:connect\n"
        "gone = others_gone:connect\n",
    )
    write(folder / "others.py", PLUGIN)
    write(folder / "others_broken.py", BROKEN)
    monkeypatch.syspath_prepend(str(folder))
    return folder


async def test_an_adapter_of_others_is_opened(plugins, config, project):
    write(
        config,
        '[contexts.theirs.registry]\ntype = "other"\nurl = "https://x"\n'
        f'[contexts.theirs.registry.options]\nfolder = "{project}"\n',
    )
    session = await opened(context="theirs")
    try:
        assert len((await session.registry.models()).first) > 0
    finally:
        await session.registry.close()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("broken", r"the backend 'broken' is broken (RuntimeError: no such luck)"),
        ("gone", "the backend 'gone' is broken (ModuleNotFoundError: "),
        ("failing", "the backend 'failing' is broken (ValueError)"),
        ("nothing", "the backend nothing gives neither a registry nor a server"),
        ("nix", "there is no backend 'nix'"),
    ],
)
def test_one_that_is_broken_is_named_and_harms_nothing(plugins, config, project, kind, words):
    write(config, f'[contexts.theirs.registry]\ntype = "{kind}"\nurl = "https://x"\n{PROD}')
    result = run_cli("--context", "theirs", "runs", "ls")
    assert result.code == 2
    assert words in result.err
    assert "s3ntinel" not in result.err
    assert run_cli("--registry", project, "runs", "ls").code == 0
    assert set(listed()) == {"theirs", "prod"}
    found = json.loads(run_cli("info", "-o", "json").out)["backends"]
    assert found["broken"] == "others_broken:connect"
    assert found["mlflow"] == "modeldeck.backends.mlflow:connect", "nobody takes the name of ours"


def test_ours_are_registered_as_those_of_others_are():
    import tomllib

    project = tomllib.loads(read(Path(__file__).parents[2] / "pyproject.toml"))["project"]
    assert project["entry-points"]["modeldeck.backends"] == remote.OURS


# context test


def test_a_server_that_is_away_exits_3(config):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        write(config, PROD.replace("https://host/x", f"http://127.0.0.1:{port}"))
        result = run_cli("context", "test", "prod", "-o", "json")
    assert result.code == 3
    items = json.loads(result.out)["items"]
    assert [(one["slot"], one["about"], one["state"]) for one in items] == [
        ("registry", "address", "ok"),
        ("registry", "experiments", "failed"),
        ("registry", "credentials", "ok"),
        ("records", "path", "ok"),
    ]


def test_slots_of_later_versions_are_said_not_to_be_used(config, project):
    write(
        config,
        f'[contexts.bank.registry]\ntype = "local"\npath = "{project}"\n'
        '[contexts.bank.telemetry]\ntype = "prometheus"\nurl = "https://p"\n',
    )
    result = run_cli("context", "test", "bank")
    assert result.code == 0
    assert "telemetry  prometheus" in result.out
    assert "not used by this version" in result.out


# context edit


def editor(tmp_path: Path, text: str) -> dict[str, str]:
    """An editor that runs this Python on the file."""
    path = tmp_path / "editor.py"
    write(path, f"import pathlib, sys\npath = pathlib.Path(sys.argv[1])\n{text}\n")
    return {**os.environ, "EDITOR": f"{sys.executable} {path}"}


def edit(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, "context", "edit"], env=env, capture_output=True, text=True, check=False
    )


@pytest.mark.real
def test_an_edit_is_looked_at_before_it_is_taken(config, tmp_path):
    write(config, PROD)
    done = edit(editor(tmp_path, "path.write_text(path.read_text() + 'user = \"bob\"\\n')"))
    assert done.returncode == 0, done.stderr
    assert read(config) == f'{PROD}user = "bob"\n'
    done = edit(editor(tmp_path, "path.write_text('\\nreadonyl = true\\n')"))
    assert done.returncode == 2
    assert f"{config}:2: unknown key readonyl. Did you mean readonly?" in done.stderr
    assert read(config) == f'{PROD}user = "bob"\n'


@pytest.mark.real
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sys.exit(3)", "the editor ended with 3"),
        ("path.unlink()", "the editor left no file"),
        ("path.write_bytes(b'\\xff')", "is not UTF-8"),
    ],
)
def test_what_an_editor_may_do(config, tmp_path, text, words):
    write(config, PROD)
    done = edit(editor(tmp_path, text))
    assert done.returncode in {1, 2}
    assert words in done.stderr
    assert read(config) == PROD
    assert "nothing was changed" in edit(editor(tmp_path, "pass")).stderr


@pytest.mark.real
def test_at_a_terminal_it_can_be_edited_again(config, tmp_path):
    """The editor breaks the file first, and mends it when it is called again."""
    write(config, PROD)
    text = (
        "text = path.read_text()\n"
        "path.write_text('readonly = true\\n' if 'oops' in text else 'oops = 1\\n')"
    )
    with Terminal([*PROGRAM, "context", "edit"], env=editor(tmp_path, text)) as terminal:
        terminal.read_until(b"Edit it again? No leaves it as it was. [Y/n] ")
        assert b":1: unknown key oops" in bytes(terminal.output)
        terminal.send(b"\n")
        assert terminal.wait() == 0
    assert read(config) == "readonly = true\n"


@pytest.mark.real
def test_a_broken_file_can_be_mended(config, tmp_path):
    write(config, "readonly = maybe\n")
    assert run_cli("context", "ls").code == 2
    done = edit(editor(tmp_path, "path.write_text('readonly = true\\n')"))
    assert done.returncode == 0, done.stderr
    assert read(config) == "readonly = true\n"


# The real thing


@pytest.mark.real
@pytest.mark.slow
def test_where_mlflow_works_bare_modeldeck_works(mlflow_server, monkeypatch, config):
    server = mlflow_server("3-postgres")
    name = "contexts-env"
    server.api("POST", "registered-models/create", {"name": name})
    monkeypatch.setenv(URI, server.url)
    result = run_cli("models", "ls")
    assert (result.code, result.out) == (4, ""), result.err
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", server.user)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", server.password)
    outs = [run_cli(*argv) for argv in (["models", "ls"], ["--context", "env", "models", "ls"])]
    assert all(name in result.out for result in outs)
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME")
    monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD")
    monkeypatch.setenv(URI, server.url.replace("://", f"://{server.user}:{server.password}@"))
    outs.append(run_cli("models", "ls"))
    assert name in outs[-1].out
    outs += [run_cli(*argv) for argv in (["info"], ["doctor"], ["status"], ["context", "test"])]
    monkeypatch.delenv(URI)
    url = server.url
    assert run_cli("context", "add", "prod", "--url", url, "--user", server.user).code == 0
    login = run_cli("login", "prod", "--stdin", "--file", stdin=server.password)
    outs += [login, run_cli("context", "use", "prod"), run_cli("context", "test")]
    assert [result.code for result in outs[3:]] == [0] * len(outs[3:])
    assert name in run_cli("models", "ls").out
    for result in outs:
        assert server.password not in result.out + result.err
    home = Path(os.environ["HOME"])
    holding = [
        p for p in home.rglob("*") if p.is_file() and server.password.encode() in p.read_bytes()
    ]
    assert holding == [config.parent / "credentials" / "prod"]


def test_doctor_says_who_else_may_change_the_configuration(config):
    write(config, PROD)
    for path, mode in ((config, 0o620), (config.parent, 0o777)):
        before = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode)
        result = run_cli("doctor", "-o", "json")
        path.chmod(before)
        assert result.code == 1
        shown = {
            one["about"]: one["shows"]
            for one in json.loads(result.out)["items"]
            if one["state"] == "fail"
        }
        assert shown["settings"] == f"{path}: others may change it (mode {mode:04o})"


def test_who_one_is_to_a_context_of_the_machine_is_kept_beside(config, system):
    write(system, PROD)
    result = run_cli("login", "prod", "--stdin", "--file", "--user", "alice", stdin="s3ntinel")
    assert result.code == 0, result.err
    path = config.parent / "credentials" / "prod"
    assert read(path) == "alice:s3ntinel\n"
    assert read(config) == (
        f'[contexts.prod.registry]\nauth = "basic"\ncredential_file = "{path}"\n'
    )
    assert settings.read_settings().contexts["prod"].registry.url == "https://host/x"
