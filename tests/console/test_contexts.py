"""Contexts listed and switched; a secret asked for in a dialog and kept in memory alone."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from modeldeck.app.config.contexts import Slot
from modeldeck.app.config.secrets import Kept, Secret
from modeldeck.app.console.asking import Asking
from modeldeck.app.console.screens.login import LoginDialog
from modeldeck.backends.api.errors import DeniedError
from tests.console.dump import check, dump, open_console, press, session_of, settled, typed


@pytest.fixture
def config(registry, empty, tmp_path) -> Path:
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "modeldeck" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(
        f"""
        context = "there"
        [contexts.there]
        protected = true
        [contexts.there.registry]
        type = "local"
        path = "{empty}"
        [contexts.gone.registry]
        type = "local"
        path = "{tmp_path}/gone"
        [contexts.bank]
        protected = true
        readonly = true
        [contexts.bank.registry]
        type = "mlflow"
        url = "https://mlflow.example.org/risk"
        workspace = "risk"
        """
    )
    return path


@pytest.fixture
async def session(registry, config):
    found = session_of(registry)
    yield found
    await found.registry.close()


async def test_contexts_are_listed(session):
    async with open_console(session, size=(120, 16)) as pilot:
        pilot.app.go("ctx")
        await settled(pilot)
        found = [row.split()[:4] for row in dump(pilot.app).replace(">", " ").splitlines()[2:5]]
        assert [row[0] for row in found] == ["there", "gone", "bank"]
        assert found[2][1:] == ["PROTECTED", "READONLY", "mlflow"]
        assert "https://mlflow.example.org/risk" in dump(pilot.app)


async def test_enter_opens_another_context_and_goes_there(session):
    async with open_console(session) as pilot:
        pilot.app.go("ctx")
        await settled(pilot)
        await press(pilot, "enter")
        following = pilot.app.following
    assert following is not None
    assert following.session.context == "there"
    assert following.session.protected
    async with open_console(following.session) as pilot:
        assert dump(pilot.app).startswith("[PROTECTED there] > overview")
    await following.session.registry.close()


async def test_a_context_after_a_noun_and_one_that_cannot_be_opened(session):
    async with open_console(session) as pilot:
        pilot.app.go("runs @gone")
        await settled(pilot)
        assert "/gone" in pilot.app.screen.notice
        assert pilot.app.following is None
        pilot.app.go("runs @nowhere")
        await settled(pilot)
        assert "there is no context 'nowhere'" in dump(pilot.app)
        pilot.app.go("runs @lab")
        await settled(pilot)
        assert dump(pilot.app).startswith("lab > overview > runs"), "it is the one that is open"
        pilot.app.go("models /name = fraud @there")
        await settled(pilot)
        following = pilot.app.following
    assert following.goes == "models /name = fraud"
    await following.session.registry.close()


async def test_where_to_go_first(session):
    from modeldeck.app.config.settings import Settings
    from modeldeck.app.console.console import Console

    console = Console(session, Settings(), goes="models /name = fraud")
    async with console.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert dump(console).startswith("lab > overview > models")
        assert "/ name = fraud" in dump(console)


async def dialog(pilot):
    """Wait until it asks."""
    for _ in range(500):
        await pilot.pause(0.01)
        if isinstance(pilot.app.screen, LoginDialog) and pilot.app.screen.focused is not None:
            await settled(pilot)
            return
    raise AssertionError("nothing is asked")


async def answered(question):
    """What came of it, soon."""
    return await asyncio.wait_for(question, 10)


@pytest.fixture
def slot():
    return Slot(type="mlflow", url="https://mlflow.example.org/risk", auth="basic", user="")


async def test_a_password_is_asked_for_and_never_shown(session, slot):
    asking = Asking()
    kept = Kept("bank", slot, ask=asking)
    with pytest.raises(DeniedError, match="nobody can be asked yet"):
        await kept.header()
    async with open_console(session) as pilot:
        asking.console = pilot.app
        question = asyncio.ensure_future(kept.header())
        await dialog(pilot)
        await pilot.press("enter", "enter")
        assert "nothing was typed" in dump(pilot.app)
        await typed(pilot, "hunter2")
        await pilot.press("enter")
        assert "the user is missing" in dump(pilot.app)
        check("login-80", dump(pilot.app))
        assert "hunter2" not in dump(pilot.app) + pilot.app.export_screenshot()
        await pilot.press("up")
        await typed(pilot, "alice")
        await pilot.press("enter", "enter")
        assert await answered(question) == Secret("hunter2", "alice").header
        assert not isinstance(pilot.app.screen, LoginDialog)
    assert kept.describe() == "asked for, kept in memory"


async def test_who_says_nothing_is_denied_and_a_question_can_be_cancelled(session, slot):
    asking = Asking()
    async with open_console(session) as pilot:
        asking.console = pilot.app
        question = asyncio.ensure_future(Kept("bank", slot, ask=asking).header())
        await dialog(pilot)
        await pilot.press("escape")
        with pytest.raises(DeniedError, match="no credentials were found"):
            await answered(question)
        question = asyncio.ensure_future(Kept("bank", slot, ask=asking).header())
        await dialog(pilot)
        question.cancel()
        await settled(pilot)
        assert not isinstance(pilot.app.screen, LoginDialog)


async def test_a_token_of_nobody(session):
    asking = Asking()
    slot = Slot(type="mlflow", url="https://mlflow.example.org", auth="token")
    async with open_console(session) as pilot:
        asking.console = pilot.app
        question = asyncio.ensure_future(asking("bank", slot))
        await dialog(pilot)
        await typed(pilot, "t0ken")
        await pilot.press("enter")
        assert (await answered(question)).header == "Bearer t0ken"
