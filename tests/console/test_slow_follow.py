"""A run that goes on, over a slow line: its chart follows, all that has come in one look."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from array import array

import pytest

from modeldeck.backends.api.ingest import Batch
from modeldeck.backends.api.runs import Points
from modeldeck.backends.api.times import to_micros
from modeldeck.backends.local.opening import open_registry
from tests.console.dump import NOW
from tests.console.run_samples import ident, recorded
from tests.pty import Terminal

pytestmark = [pytest.mark.real, pytest.mark.slow]

# Both as far apart as they are, five to one, and shorter.
QUICKER = """
import sys
from modeldeck.app.console.screens import watching
watching.LOOK, watching.SLOW_LOOK = 0.8, 4.0
from modeldeck.app.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
SECONDS = 11
LOOKS = 3
"""In so many seconds there is room for two looks on a slow line, and one that was due."""


def log(registry, over):
    """A point every tenth of a second, until it is over."""

    async def work():
        writer = open_registry(registry)
        at = 0
        while not over.is_set():
            at += 1
            time = to_micros(NOW) + at * 1_000_000
            point = Points(array("q", [at + 2]), array("q", [time]), array("d", [at % 7 / 50]))
            await writer.log(ident(3), Batch(points={"lr": point}))
            await asyncio.sleep(0.1)
        await writer.close()

    asyncio.run(work())


def test_a_chart_follows_no_more_often_than_a_slow_line_is_looked_at(tmp_path):
    registry, over = recorded(tmp_path), threading.Event()
    argv = ["--low-bandwidth", "--registry", str(registry), f"runs/{ident(3)}"]
    program = [sys.executable, "-c", QUICKER, "open", *argv]
    with Terminal(program, env=dict(os.environ)) as terminal:
        terminal.read_until(b"last step 2")
        terminal.read_until_quiet()
        whole = len(terminal.press(b"\x12"))
        writing = threading.Thread(target=log, args=(registry, over))
        writing.start()
        mark = terminal.mark
        try:
            with pytest.raises(TimeoutError):
                terminal.read_until(b"nobody says this", timeout=SECONDS)
        finally:
            over.set()
            writing.join()
        sent = terminal.bytes_since(mark)
    print(whole, len(sent), sent.count(b"last step"))
    assert 0 < sent.count(b"last step") <= LOOKS
    assert len(sent) <= LOOKS * whole
