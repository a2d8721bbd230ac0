"""`modeldeck copy`, the real program between registries of ours."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections import Counter

import pytest

from modeldeck.backends.local import create_registry
from tests.pty import Terminal
from tests.recorder.real import PROGRAM, run_program, until
from tests.usecases.copies import PARENT, all_facts, make_odd, opened

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture
def places(tmp_path):
    """A registry with something in it, and an empty one."""
    make_odd(tmp_path / "there")
    asyncio.run(create_registry(tmp_path / "here").close())
    return tmp_path


def facts_of(folder):
    async def read():
        session = opened(folder)
        try:
            return await all_facts(session)
        finally:
            await session.registry.close()

    return asyncio.run(read())


def copy(places, *words):
    return run_program(places, "copy", *words, "--from", "there", "--to", "here")


def test_what_it_prints(places):
    done = copy(places, "fraud", "--with-runs", "--dry-run")
    assert done.returncode == 0
    assert "models/fraud/1  content  (not there) -> " in done.stdout
    assert "$ modeldeck copy fraud/1 fraud/2 --from there --to here --with-runs" in done.stdout
    assert facts_of(places / "here") == {}
    done = copy(places, "fraud", "--with-runs", "--yes", "-o", "json", "--reason", "released")
    found = json.loads(done.stdout)
    assert (done.returncode, found["runs"], found["versions"], found["points"]) == (0, 1, 2, 5016)
    assert [one["where"] for one in found["left"]] == [f"runs/{PARENT}/away.txt"]
    again = copy(places, "fraud", "--with-runs", "--yes")
    assert (again.returncode, again.stdout) == (0, "")
    assert again.stderr == "nothing to copy: all of it is there\n"
    inside = run_program(places, "--registry", "here", "audit", "ls", "-o", "jsonl")
    event = json.loads(inside.stdout.splitlines()[0])
    assert (event["phase"], event["reason"], event["plan"]) == ("ended", "released", found["plan"])


def test_it_asks_first_and_shows_how_far_it_is(places):
    command = [*PROGRAM, "copy", PARENT, "--from", "there", "--to", "here"]
    with Terminal(command, cwd=places, env=dict(os.environ)) as console:
        console.read_until(b"Do it? [y/N]")
        assert b"runs/1a1a1a1a" in console.output
        console.send(b"y\n")
        assert console.wait() == 0
        assert b"done: 3 runs, 5,022 points, 3 files" in console.output
    assert len(facts_of(places / "here")) == 3


def test_ids_from_stdin(places):
    ls = run_program(places, "--registry", "there", "runs", "ls", "-o", "jsonl")
    done = run_program(
        places, "--registry", "there", "copy", "-", "--to", "here", "-y", stdin=ls.stdout.encode()
    )
    assert (done.returncode, len(facts_of(places / "here"))) == (0, 3)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([PARENT, "--from", "there", "--to", "there"], 4, "is both where to copy from and where"),
        ([PARENT, "--from", "there", "--to", "nowhere"], 2, "there is no context 'nowhere'"),
        ([PARENT, "--from", "there", "--to", "here"], 4, "not confirmed"),
        ([PARENT, "--from", "there", "--to", "here", "--as", "x", "-y"], 2, "--as"),
        (["runs/ffff", "--from", "there", "--to", "here", "-y"], 2, "no run 'ffff'"),
    ],
)
def test_what_it_refuses(places, words, code, said):
    done = run_program(places, "copy", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert facts_of(places / "here") == {}


def test_a_readonly_target_is_not_written(places):
    done = run_program(
        places, "--readonly", "copy", PARENT, "--from", "there", "--to", "here", "--yes"
    )
    assert (done.returncode, facts_of(places / "here")) == (4, {})


def test_killed_again_and_again_it_still_comes_to_the_same(places):
    words = ["--from", "there", "--to", "here", "--yes"]
    artifacts = places / "here/.modeldeck/artifacts"
    whats = (["fraud", "--with-runs"], [PARENT])
    # The files that a copy keeps one after the other say how far it is.
    for files in range(5):
        process = subprocess.Popen(
            [*PROGRAM, "copy", *whats[files % 2], *words],
            cwd=places,
            env=os.environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(
            lambda n=files, p=process: (
                (len(list(artifacts.glob("??/*"))) >= n and artifacts.exists())
                or p.poll() is not None
            )
        )
        process.send_signal(signal.SIGKILL)
        process.wait()
    trail = run_program(places, "--registry", "here", "audit", "ls", "-o", "json").stdout
    phases = Counter(event["phase"] for event in json.loads(trail)["items"])
    assert phases["started"] > phases["ended"]
    for what in whats:
        assert run_program(places, "copy", *what, *words).returncode == 0
    assert facts_of(places / "here") == facts_of(places / "there")
