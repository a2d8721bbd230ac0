"""`modeldeck run`, the real program around real commands."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys

import pytest

from tests.pty import Terminal
from tests.recorder.real import (
    PROGRAM,
    artifact,
    listed,
    run_program,
    script,
    series,
    started,
    until,
)

pytestmark = pytest.mark.real


def only(folder):
    """The one run, without the tag that each has."""
    (run,) = listed(folder)
    assert run["tags"].pop("modeldeck.command")
    return run


def test_keeps_the_command_line_without_secrets(tmp_path):
    run_program(tmp_path, "run", "--", "echo", "a b", "--token=xyz")
    (run,) = listed(tmp_path)
    assert run["tags"] == {"modeldeck.command": "echo 'a b' --token=***"}
    everything = b"".join(path.read_bytes() for path in tmp_path.glob(".modeldeck/*.db*"))
    assert b"xyz" not in everything


def test_shows_keeps_and_says_where(tmp_path):
    done = run_program(tmp_path, "run", "-e", "try", "--name", "one", "--tag", "a=b=c", "--", "sh",
                       "-c", "echo out; echo err >&2")  # fmt: skip
    run = only(tmp_path)
    assert (done.returncode, done.stdout) == (0, "out\nerr\n")
    assert [line.partition(": ")[2] for line in done.stderr.splitlines()] == [
        f"no registry yet, made {tmp_path}/.modeldeck",
        "recording one in try",
        "one finished",
        f"modeldeck open runs/{run['id']}",
    ]
    assert (run["status"], run["exit_code"], run["reason"]) == ("finished", 0, None)
    assert (run["experiment"], run["name"], run["tags"]) == ("try", "one", {"a": "b=c"})
    assert artifact(tmp_path, run["id"], "output.log") == b"out\nerr\n"
    assert list(tmp_path.glob(".modeldeck/runs/*")) == []


@pytest.mark.parametrize(
    ("command", "code", "status", "reason"),
    [
        ("exit 1", 1, "failed", "exit 1"),
        ("echo oh; echo no; exit 3", 3, "failed", "exit 3; last line: no"),
        ("kill -9 $$", 137, "failed", "exit 137, killed by SIGKILL"),
        ("kill -SEGV $$", 139, "failed", "exit 139, killed by SIGSEGV"),
        ("exit 255", 255, "failed", "exit 255"),
    ],
)
def test_passes_the_exit_code_on(tmp_path, command, code, status, reason):
    assert run_program(tmp_path, "run", "--", "sh", "-c", command).returncode == code
    run = only(tmp_path)
    assert (run["exit_code"], run["status"], run["reason"]) == (code, status, reason)


@pytest.mark.parametrize("command", ["no-such-command", "./no-such-file", "./plain.txt", "/", ""])
def test_refuses_what_cannot_be_started_before_it_records(tmp_path, command):
    (tmp_path / "plain.txt").write_text("no program")
    done = run_program(tmp_path, "run", "--", command)
    assert done.returncode == 2
    assert f"{command!r} is no command that can be run; nothing was recorded" in done.stderr
    assert listed(tmp_path) == []


def test_says_what_the_system_says_of_a_script_without_its_interpreter(tmp_path):
    (tmp_path / "bad").write_text("#!/no/such/interpreter\n")
    (tmp_path / "bad").chmod(0o700)
    assert run_program(tmp_path, "run", "--", "./bad").returncode == 127
    assert only(tmp_path)["reason"].startswith("exit 127; last line: ")


def test_gives_stdin_environment_and_folder_to_the_command(tmp_path):
    command = script(tmp_path, "print(sys.stdin.read().upper(), os.getcwd(), os.environ['WORD'])")
    done = run_program(tmp_path, "run", "--", *command, stdin=b"some text", WORD="x")
    assert done.stdout == f"SOME TEXT {tmp_path} x\n"


def test_takes_what_the_script_wrote_and_leaves_the_rest(tmp_path):
    command = script(
        tmp_path,
        """
for step in range(3):
    log(step, loss=1 / (step + 1), val={"auc": step})
(run / "params.json").write_text('{"lr": 0.10, "model": {"depth": 4}}')
(run / "tags.json").write_text('{"team": "risk"}')
(run / "artifacts" / "deep").mkdir()
(run / "artifacts" / "deep" / "a.txt").write_text("a")
(run / "artifacts" / "output.log").write_text("the script's own")
(run / "artifacts" / "mine.txt").write_text("kept")
(run / "model" / "model.bin").write_text("weights")
(run / "mine.txt").write_text("left")
""",
    )
    assert run_program(tmp_path, "run", "--", *command).returncode == 0
    run = only(tmp_path)
    assert run["params"] == {"lr": "0.1", "model.depth": "4"}
    assert run["tags"] == {"team": "risk"}
    assert run["metrics"] == {"loss": 1 / 3, "val/auc": 2.0}
    assert series(tmp_path, run["id"], "loss") == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    kept = {
        path: artifact(tmp_path, run["id"], path)
        for path in ("deep/a.txt", "artifacts/output.log", "mine.txt", "model/model.bin")
    }
    assert kept == {
        "deep/a.txt": b"a",
        "artifacts/output.log": b"the script's own",
        "mine.txt": b"kept",
        "model/model.bin": b"weights",
    }
    assert artifact(tmp_path, run["id"], "metrics.jsonl") is None
    left = [p for p in tmp_path.glob(".modeldeck/runs/*/**/*") if p.is_file()]
    assert [(p.name, p.read_text()) for p in left] == [("mine.txt", "left")]


def test_names_bad_lines_and_keeps_the_file_that_has_them(tmp_path):
    command = script(
        tmp_path,
        """
log(0, loss=1.0)
with (run / "metrics.jsonl").open("a") as file:
    file.write("no json\\n[]\\n" + '{"step": 1, "loss": "big"}\\n' + '{"step": 2, "lo')
(run / "params.json").write_text("{")
""",
    )
    done = run_program(tmp_path, "run", "--", *command)
    assert done.returncode == 0
    for where in ("metrics.jsonl:2: ", "metrics.jsonl:3: ", "metrics.jsonl:4: ", "params.json: "):
        assert f"modeldeck: {where}" in done.stderr
    run = only(tmp_path)
    raw = artifact(tmp_path, run["id"], "metrics.jsonl")
    assert raw is not None
    assert raw.endswith(b'{"step": 2, "lo')
    assert artifact(tmp_path, run["id"], "params.json") == b"{"
    assert run["metrics"] == {"loss": 1.0}


def test_others_see_it_while_it_runs(tmp_path):
    command = script(
        tmp_path,
        """
log(0, loss=0.5)
(run / "params.json").write_text('{"lr": 1}')
print("here", flush=True)
wait_for("enough")
log(1, loss=0.25)
""",
    )
    with started(tmp_path, "run", "--", *command) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        seen = until(lambda: [r for r in listed(tmp_path) if r["metrics"]], 10)[0]
        assert (seen["status"], seen["metrics"], seen["params"]) == (
            "running",
            {"loss": 0.5},
            {"lr": "1"},
        )
        (tmp_path / "enough").touch()
        process.wait(30)
    assert only(tmp_path)["metrics"] == {"loss": 0.25}


def test_a_run_inside_a_run_is_below_it_and_in_the_same_registry(tmp_path):
    (tmp_path / "below").mkdir()
    inner = [*PROGRAM, "run", "--name", "inner", "--", "true"]
    command = script(
        tmp_path, f"import subprocess; sys.exit(subprocess.call({inner!r}, cwd='below'))"
    )
    done = run_program(tmp_path, "run", "--name", "outer", "--", *command)
    assert done.returncode == 0, done.stderr
    outer, found = listed(tmp_path)
    assert (outer["name"], outer["parent_id"]) == ("outer", None)
    assert (found["name"], found["parent_id"]) == ("inner", outer["id"])
    assert not (tmp_path / "below" / ".modeldeck").exists()


def test_a_parent_of_another_registry_is_none(tmp_path):
    run_program(tmp_path, "run", "--", "true", MODELDECK_RUN_ID="0123456789abcdef")
    assert only(tmp_path)["parent_id"] is None


def test_keeps_the_state_of_the_code(tmp_path):
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
    (tmp_path / "model.txt").write_text("one\n")
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *words], cwd=tmp_path, check=True)
    (tmp_path / "model.txt").write_text("two\n")
    run_program(tmp_path, "run", "--", sys.executable, "-c", "pass")
    run = only(tmp_path)
    assert len(run["git"]) == 40
    assert run["dirty"] is True
    assert b"\n-one\n+two\n" in artifact(tmp_path, run["id"], "git.diff")
    subprocess.run([*git, "checkout", "-q", "model.txt"], cwd=tmp_path, check=True)
    run_program(tmp_path, "run", "--", "true")
    # The registry itself is no change to the code.
    assert listed(tmp_path)[1]["dirty"] is False


def test_a_reader_that_leaves_hurts_nothing(tmp_path):
    command = script(tmp_path, "print('x\\n' * 500_000)")
    line = " ".join(["run", "--", *command])
    done = subprocess.run(
        ["sh", "-c", f"{' '.join(PROGRAM)} {line} | head -n 1"],
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "x\n"
    assert "Broken" not in done.stderr
    run = only(tmp_path)
    assert run["status"] == "finished"
    assert len(artifact(tmp_path, run["id"], "output.log")) == 1_000_001


PATIENT = """
import signal
caught = 0
def note(number, frame):
    global caught
    caught += 1
    print("caught", signal.Signals(number).name, flush=True)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, note)
log(0, loss=1.0)
print("ready", flush=True)
end = time.monotonic() + 60
while caught < {endures} and time.monotonic() < end:
    time.sleep(0.01)
log(1, loss=0.5)
sys.exit(5)
"""


@pytest.mark.parametrize(
    ("endures", "code", "log"),
    [
        (1, 5, b"ready\ncaught SIGINT\n"),
        (2, 5, b"ready\ncaught SIGINT\ncaught SIGTERM\n"),
        (99, 137, b"ready\ncaught SIGINT\ncaught SIGTERM\n"),
    ],
)
def test_ctrl_c_goes_to_the_command_and_harder_each_time(tmp_path, endures, code, log):
    command = script(tmp_path, PATIENT.format(endures=endures))
    with Terminal([*PROGRAM, "run", "--", *command], cwd=tmp_path, env=dict(os.environ)) as console:
        console.read_until(b"ready")
        for word in (b"caught SIGINT", b"caught SIGTERM", b"killed")[:endures]:
            console.send(b"\x03")
            console.read_until(word)
        assert console.wait() == code
    run = only(tmp_path)
    assert (run["status"], run["exit_code"]) == ("killed", code)
    assert run["reason"].startswith("interrupted by ctrl+c")
    assert artifact(tmp_path, run["id"], "output.log") == log
    assert run["metrics"] == {"loss": 0.5 if code == 5 else 1.0}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_a_signal_to_the_recorder_ends_the_command(tmp_path, number):
    command = script(tmp_path, "print('ready', flush=True)\nwait_for('never')")
    with started(tmp_path, "run", "--", *command) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(number)
        assert process.wait(30) == 128 + number
    run = only(tmp_path)
    assert run["status"] == "killed"
    assert run["reason"].startswith(f"its recorder was told to end ({number.name})")


def test_a_lost_line_is_no_end(tmp_path):
    command = script(tmp_path, "print('ready', flush=True)\nwait_for('enough')\nlog(1, loss=2.0)")
    console = Terminal([*PROGRAM, "run", "--", *command], cwd=tmp_path, env=dict(os.environ))
    console.read_until(b"ready")
    os.close(console._fd)
    (tmp_path / "enough").touch()
    console.process.wait(30)
    run = only(tmp_path)
    assert (run["status"], run["metrics"]) == ("finished", {"loss": 2.0})


def test_a_terminal_that_nobody_reads_holds_up_nothing_but_itself(tmp_path):
    command = script(tmp_path, "print('x' * 1_000_000, flush=True)\nlog(0, loss=1.0)")
    with started(tmp_path, "run", "--", *command) as process:
        until((tmp_path / ".modeldeck" / "registry.db").exists)
        until(lambda: [r for r in listed(tmp_path) if r["status"] == "finished"])
        process.send_signal(signal.SIGINT)
        process.wait(30)
    assert only(tmp_path)["metrics"] == {"loss": 1.0}


def test_a_registry_that_may_not_be_written_refuses(tmp_path):
    assert run_program(tmp_path, "run", "--", "true").returncode == 0
    done = run_program(tmp_path, "run", "--readonly", "--", "touch", "ran")
    assert (done.returncode, done.stdout) == (4, "")
    assert "--readonly" in done.stderr
    empty = tmp_path.parent / "empty"
    empty.mkdir()
    done = run_program(empty, "run", "--readonly", "--", "touch", "ran")
    assert done.returncode == 4
    assert list(empty.iterdir()) == []
    assert not (tmp_path / "ran").exists()


def test_a_store_of_others_here_is_not_written(tmp_path):
    (tmp_path / "mlruns" / "0").mkdir(parents=True)
    (tmp_path / "mlruns" / "0" / "meta.yaml").write_text("experiment_id: '0'\nname: Default\n")
    assert run_program(tmp_path, "run", "--", "true").returncode == 0
    done = run_program(tmp_path, "run", "--registry", "mlruns", "--", "true")
    assert done.returncode == 4
    assert "in place" in done.stderr


def test_the_run_directory_is_private(tmp_path):
    command = script(
        tmp_path, "print(oct(run.stat().st_mode), oct((run / 'output.log').stat().st_mode))"
    )
    done = run_program(tmp_path, "run", "--", *command)
    assert done.stdout.split() == [oct(stat.S_IFDIR | 0o700), oct(stat.S_IFREG | 0o600)]


def test_usage_is_measured(tmp_path):
    command = script(tmp_path, "x = bytearray(150_000_000)\nsum(range(10_000_000))")
    run_program(tmp_path, "run", "--", *command)
    done = run_program(tmp_path, "runs", "show", only(tmp_path)["id"], "-o", "json")
    usage = json.loads(done.stdout)["usage"]
    assert usage["wall_seconds"] > 0.1
    assert usage["cpu_seconds"] > 0.1
    assert usage["peak_memory_bytes"] > 150_000_000
