"""The console on a real MLflow server of 20,000 runs, beside the server's own answers."""

import fcntl
import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from modeldeck.app.console.rows import PAGE
from tests.mlflow_store import server_python
from tests.servers.mlflow import start_mlflow
from tests.servers.process import wait_until_gone

from .place import SCRIPT, Bench
from .report import SECONDS, Entry, Line, Missing, Times
from .search import store, there
from .terminal import ESCAPE, PAGE_DOWN, Watched

STORED = 20_000
RUNS = b":runs\r"
LONGEST = 1.5
"""Seconds of quiet after which nothing more is on its way."""
CONTEXT = """
[contexts.bench.registry]
type = "mlflow"
url = "{url}"
"""


def measure(bench: Bench) -> Iterator[Entry]:
    """From a key to the first page of runs; keys meanwhile."""
    if there():
        yield Missing("the console on a server beside the server's own answers", there())
        return
    options = ["--runs", str(STORED), "--experiments", "50", "--missing", "0.03", "--nan", "0.02"]
    stored = store(bench, f"mlflow-{STORED}", *options)
    with served(stored) as url, _console(bench, url) as terminal:
        answers, pages, ours, keys, still = [], [], [], [], []
        for _ in range(bench.rounds(15)):
            # Before and after: the server itself takes now twice as long, now half.
            before = _answer(url)
            ours.append(_first_page(terminal))
            answers.append((before + _answer(url)) / 2)
            pages.append(terminal.rows_after(PAGE_DOWN).seconds)
            still.append(_key(terminal))
            terminal.press(ESCAPE, 1.0)
            mark = terminal.mark
            terminal.send(RUNS)
            _wait_for(terminal, mark, b"> runs")
            keys.append(_key(terminal))
            terminal.settle(LONGEST)
            terminal.press(ESCAPE, 1.0)
    frame = sorted(pages)[len(pages) // 2]
    note = "the allowance on top is one frame: a page down there"
    yield Line("a server: first page of runs", SECONDS, ours, Times(1.2, frame), answers,
               "runs/search itself", note=note)  # fmt: skip
    yield Line("a server: a key while it answers", SECONDS, keys, Times(1, 0.1), still,
               "the same key at rest")  # fmt: skip


def _first_page(terminal: Watched) -> float:
    """Seconds until the last row of the list has come."""
    mark, begin = terminal.mark, time.monotonic()
    terminal.send(RUNS)
    terminal.settle(LONGEST)
    return terminal.when(terminal.rows()[-1], mark) - begin


def _key(terminal: Watched) -> float:
    """Seconds until the prompt is there; it is taken away again."""
    mark, begin = terminal.mark, time.monotonic()
    terminal.send(b":")
    _wait_for(terminal, mark, b"KEY=VALUE")
    seconds = time.monotonic() - begin
    terminal.press(ESCAPE)
    return seconds


def _wait_for(terminal: Watched, mark: int, text: bytes) -> None:
    # Never the screen: to work that out takes longer than what is measured.
    while text not in terminal.output[mark:]:
        if not terminal._read(20):
            raise TimeoutError(f"{text!r} did not come")


@contextmanager
def served(stored: Path) -> Iterator[str]:
    """A server on a copy of the store, until the end."""
    with TemporaryDirectory(prefix="bench-server-") as name:
        lock = Path(name, "lock")
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            folder = Path(name, "server")
            folder.mkdir()
            server = start_mlflow("3", server_python("3"), folder, lock, stored)
            yield server.url
        wait_until_gone([int(file.read_text()) for file in Path(name).glob("*/pid")], 30)


def _console(bench: Bench, url: str) -> Watched:
    config = bench.home / ".config" / "modeldeck" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.touch(0o600)
    config.write_text(CONTEXT.format(url=url), encoding="utf-8")
    terminal = Watched([SCRIPT, "--context", "bench"], env=bench.env, cwd=bench.home)
    terminal.read_until(b"run 1", timeout=60)
    terminal.settle(1.0)
    return terminal


def _answer(url: str) -> float:
    """Seconds for what the list of runs needs of the server, its bytes read and nothing more."""
    found = _post(url, "experiments/search", {"max_results": 1000})
    ids = [one["experiment_id"] for one in json.loads(found)["experiments"]]
    asked = {"experiment_ids": ids, "max_results": PAGE, "order_by": ["attributes.start_time DESC"]}
    begin = time.monotonic()
    _post(url, "runs/search", asked)
    return time.monotonic() - begin


def _post(url: str, path: str, body: object) -> bytes:
    request = urllib.request.Request(
        f"{url}/api/2.0/mlflow/{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: bytes = answer.read()
    return found
