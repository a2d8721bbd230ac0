"""The console on a real server that misbehaves: quick, with what it knew last and its age."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress

import pytest

from modeldeck.app.config.settings import Settings
from modeldeck.backends.api.connect import Limits
from tests.console.dump import dump, open_console, press, settled
from tests.faults.place import opened
from tests.faults.report import TICKS
from tests.faults.test_matrix import CASES, SHORT, Case
from tests.servers import faults

pytestmark = [pytest.mark.real, pytest.mark.slow]

PATIENT = Limits(deadline=300.0, total=300.0, tries=1)
QUICK = Limits(deadline=30.0, total=60.0, tries=2, most=8 << 20)
KEYS = 20
SLOW = {"no answer": faults.hang, "slow header": faults.slow_header, "drip": faults.drip}
LIST = Settings(refresh=0)


@asynccontextmanager
async def at_models(place):
    """The console, with the list of models as it is without a fault."""
    async with open_console(place.session, size=(100, 30), settings=LIST) as pilot:
        pilot.app.go("models")
        await settled(pilot)
        assert pilot.app.screen.rows.count > KEYS
        yield pilot


def ask_anew(place) -> None:
    """Else the adapter answers from what it has just read."""
    place.registry.server.forget()


async def ticks(gaps: list[float]) -> None:
    """How long the event loop leaves others waiting."""
    last = time.perf_counter()
    while True:
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        gaps.append(now - last)
        last = now


async def until(holds) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - what happens elsewhere sets no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", SLOW)
async def test_keys_are_handled_while_a_request_hangs(
    small_server, names, tmp_path, record_property, name
):
    async with (
        opened(small_server, tmp_path / "records", PATIENT) as place,
        at_models(place) as pilot,
    ):
        screen = pilot.app.screen
        ask_anew(place)
        rule = place.proxy.meet(SLOW[name])
        await pilot.press("ctrl+r")
        await until(lambda: rule.met)
        gaps: list[float] = []
        ticker = asyncio.create_task(ticks(gaps))
        for n in range(KEYS):
            await pilot.press("j")
            assert screen.table.cursor == n + 1
        ticker.cancel()
        with suppress(asyncio.CancelledError):
            await ticker
        # All of it before there was an answer.
        assert pilot.app.bridge.asked(screen, "window")
        assert rule.met == 1
        assert len(gaps) > KEYS
        record_property(TICKS, [name, str(KEYS), f"{max(gaps) * 1000:.0f} ms"])
        await until(lambda: pilot.app.bridge.busy(screen))
        await pilot.pause()
        assert "reading ... Esc cancels" in dump(pilot.app)
        await press(pilot, "escape")
        assert "cancelled" in dump(pilot.app)
        assert not pilot.app.bridge.asks(screen)
        place.proxy.heal()
        ask_anew(place)
        await press(pilot, "ctrl+r")
        assert screen.freshness.missed is None


async def test_what_was_known_stays_with_its_age_under_every_fault(small_server, names, tmp_path):
    met = {
        name: case
        for name, case in CASES.items()
        if isinstance(case, Case) and case.limits is not SHORT
    }
    assert len(met) > 20
    async with (
        opened(small_server, tmp_path / "records", QUICK) as place,
        at_models(place) as pilot,
    ):
        screen = pilot.app.screen
        rows = screen.rows.count
        for name, case in met.items():
            fails = case.row[2].startswith("exit")
            ask_anew(place)
            rule = place.proxy.meet(case.fault, times=case.times)
            await press(pilot, "ctrl+r")
            assert rule.met, name
            shown = dump(pilot.app)
            state = shown.splitlines()[-2]
            assert "model 000" in shown, name
            assert screen.rows.count == rows, name
            assert ("s old)" in state) is fails, f"{name}: {state}"
            assert (screen.freshness.missed is not None) is fails, name
            await press(pilot, "j", "k")
            assert screen.table.cursor == 0, name
            place.proxy.heal()
            ask_anew(place)
            await press(pilot, "ctrl+r")
            state = dump(pilot.app).splitlines()[-2]
            assert "old)" not in state, f"{name}: {state}"
        assert not [call for call in pilot.app.bridge.calls if "defect" in call.outcome]
