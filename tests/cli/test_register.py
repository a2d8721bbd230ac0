"""`modeldeck register`, the real program on real files."""

from __future__ import annotations

import hashlib
import json
import os
import pickle

import pytest
from sklearn.linear_model import LogisticRegression
from skops import io

from modeldeck.app.config.actor import current_actor
from modeldeck.app.usecases.register import apply_register, plan_register
from modeldeck.app.usecases.session import Session
from modeldeck.backends.api.errors import ConflictError
from modeldeck.backends.local import create_registry
from tests.pty import Terminal
from tests.recorder.real import PROGRAM, listed, run_program, script

pytestmark = pytest.mark.real


@pytest.fixture
def folder(tmp_path):
    """A folder with a registry and a run."""
    assert run_program(tmp_path, "run", "--name", "first", "--", "true").returncode == 0
    return tmp_path


def register(folder, *args, **env):
    return run_program(folder, "register", *args, **env)


def shown(folder, name):
    done = run_program(folder, "versions", "show", name, "-o", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def stored(folder):
    """How many files the store holds."""
    return sum(path.is_file() for path in folder.glob(".modeldeck/artifacts/??/*"))


def events(folder):
    return json.loads(run_program(folder, "audit", "ls", "-o", "json").stdout)["items"]


def sha256(path):
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_a_file_becomes_a_version_of_its_run(folder):
    (run,) = listed(folder)
    io.dump(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), folder / "net.skops")
    words = ("--tag", "team=risk", "--note", "a try", "--reason", "first", "--yes")
    done = register(folder, "net.skops", "--model", "fraud", "--run", run["id"][:6], *words)
    assert done.returncode == 0, done.stderr
    assert "modeldeck open models/fraud/1" in done.stderr
    version = shown(folder, "fraud/1")
    assert version["digest"] == sha256(folder / "net.skops")
    assert (version["format"], version["unsafe"]) == ("skops", [])
    assert (version["run_id"], version["lock"]["digest"]) == (run["id"], run["lock"])
    assert version["source"] == str(folder / "net.skops")
    assert (version["note"], version["tags"]) == ("a try", {"team": "risk"})
    event = events(folder)[0]
    assert (event["action"], event["reason"]) == ("version.register", "first")


def test_a_pickle_is_shown_as_unsafe_and_never_loaded(folder):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(folder / "loaded"),)

    (folder / "evil.pkl").write_bytes(pickle.dumps(Evil()))
    done = register(folder, "evil.pkl", "--model", "evil", "--yes")
    assert done.returncode == 0
    assert "unsafe to load: it names posix.mkdir, which runs foreign code" in done.stderr
    version = shown(folder, "evil/1")
    assert version["format"] == "pickle"
    assert any("posix.mkdir" in reason for reason in version["unsafe"])
    assert not (folder / "loaded").exists()


def test_a_folder_keeps_its_files_and_leaves_out_what_leads_away(folder):
    model = folder / "net"
    (model / "deep").mkdir(parents=True)
    (model / "MLmodel").write_text("artifact_path: net\nflavors:\n  python_function:\n    env: x\n")
    (model / "deep" / "weights.txt").write_text("1 2 3")
    (model / "out").symlink_to("/etc/hostname")
    os.mkfifo(model / "pipe")
    done = register(folder, "net", "--model", "fraud", "--yes")
    assert done.returncode == 0, done.stderr
    assert "out: left out: a link" in done.stderr
    assert "pipe: left out: no regular file" in done.stderr
    version = shown(folder, "fraud/1")
    assert version["format"] == "mlflow"
    assert [f["path"] for f in version["artifacts"]] == ["MLmodel", "deep/weights.txt"]
    assert version["artifacts"][1]["digest"] == sha256(model / "deep" / "weights.txt")


def test_a_dry_run_and_a_refusal_keep_nothing(folder, tmp_path_factory):
    (folder / "a.bin").write_bytes(b"weights")
    before = stored(folder), len(events(folder))
    done = register(folder, "a.bin", "--model", "m", "--dry-run")
    assert done.returncode == 0
    assert "format unknown, 1 file, 7 B" in done.stdout
    assert "whether it is safe to load is not known" in done.stdout
    done = register(folder, "a.bin", "--model", "m")
    assert done.returncode == 4
    command = [*PROGRAM, "register", "a.bin", "--model", "m"]
    with Terminal(command, cwd=folder, env=dict(os.environ)) as console:
        console.read_until(b"Do it? [y/N] ")
        console.send(b"n\r")
        assert console.wait() == 4
    assert (stored(folder), len(events(folder))) == before
    with Terminal(command, cwd=folder, env=dict(os.environ)) as console:
        console.read_until(b"Do it? [y/N] ")
        console.send(b"y\r")
        assert console.wait() == 0
    assert stored(folder) == before[0] + 1
    # Where there is no registry a dry run makes none.
    empty = tmp_path_factory.mktemp("empty")
    (empty / "a.bin").write_bytes(b"weights")
    assert register(empty, "a.bin", "--model", "m", "--dry-run").returncode == 2
    assert [path.name for path in empty.iterdir()] == ["a.bin"]


def test_the_same_content_again_is_told(folder):
    (folder / "a.bin").write_bytes(b"weights")
    for _ in range(2):
        done = register(folder, "a.bin", "--model", "m", "--yes")
    assert "its content is that of version 1" in done.stderr
    assert shown(folder, "m/2")["digest"] == shown(folder, "m/1")["digest"]


def test_inside_a_run_it_is_that_runs(tmp_path):
    inner = [*PROGRAM, "register", "net.bin", "--model", "net", "--yes"]
    command = script(
        tmp_path,
        "import subprocess\npathlib.Path('net.bin').write_text('w')\n"
        f"sys.exit(subprocess.call({inner!r}))",
    )
    done = run_program(tmp_path, "run", "--", *command)
    assert done.returncode == 0, done.stdout
    (run,) = listed(tmp_path)
    assert shown(tmp_path, "net/1")["run_id"] == run["id"]
    # A run of another registry is none of ours.
    done = register(tmp_path, "net.bin", "--model", "net", "--yes", MODELDECK_RUN_ID="f" * 16)
    assert done.returncode == 0
    assert shown(tmp_path, "net/2")["run_id"] is None


@pytest.mark.parametrize(
    ("path", "model", "words"),
    [
        ("nowhere", "m", "nowhere: no such file or folder"),
        ("empty", "m", "holds no file that can be kept"),
        ("only-links", "m", "holds no file that can be kept (away: left out: a link)"),
        ("pipe", "m", "it is no regular file"),
        ("dangling", "m", "there is no such file"),
        ("a.bin", "", "a model needs a name"),
        ("a.bin", " \t", "a model needs a name"),
        ("a.bin", "x" * 20_000, "at most 255 characters, not 20000"),
    ],
)
def test_what_it_refuses(folder, path, model, words):
    (folder / "a.bin").write_bytes(b"weights")
    (folder / "empty").mkdir()
    (folder / "only-links").mkdir()
    (folder / "only-links" / "away").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe")
    (folder / "dangling").symlink_to("gone")
    done = register(folder, path, "--model", model, "--yes")
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_hostile_names_are_kept_exactly_and_shown_safely(folder):
    (folder / "a.bin").write_bytes(b"weights")
    name = "a/b@c [red]x\x1b[31m\u202e"
    assert register(folder, "a.bin", "--model", name, "--yes").returncode == 0
    models = json.loads(run_program(folder, "models", "ls", "-o", "json").stdout)["items"]
    assert [model["name"] for model in models] == [name]
    done = run_program(folder, "models", "ls")
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout


def test_a_file_that_may_not_be_read_is_named(folder):
    (folder / "a.bin").write_bytes(b"weights")
    (folder / "a.bin").chmod(0)
    done = register(folder, "a.bin", "--model", "m", "--yes")
    # Root may read everything.
    assert done.returncode == (0 if os.geteuid() == 0 else 2)
    assert os.geteuid() == 0 or "a.bin" in done.stderr


async def test_what_changed_since_the_plan_is_refused(tmp_path):
    registry = create_registry(tmp_path)
    session = Session(context="c", registry=registry, actor=current_actor())
    try:
        for change in ("other", "away", "longer"):
            model = tmp_path / change
            model.mkdir()
            (model / "weights").write_text("one")
            plan = await plan_register(session, model, "m")
            match change:
                case "other":
                    (model / "weights").write_text("two")
                case "away":
                    (model / "weights").unlink()
                case "longer":
                    (model / "weights").write_text("one more")
            with pytest.raises(ConflictError, match="is not what the plan saw"):
                await apply_register(session, plan)
        assert (await registry.versions()).at_least == 0
    finally:
        await registry.close()
