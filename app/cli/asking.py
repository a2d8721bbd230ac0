"""Asking a person at the terminal for a secret, which is not shown."""

import signal

from modeldeck.app.config.contexts import Slot
from modeldeck.app.config.secrets import Secret

from . import output, streams
from .common import answer


async def ask_secret(context: str, slot: Slot) -> Secret | None:
    """User and password, or a token; None when nothing was said."""
    streams.say(f"{context}: {slot.url} wants to know who you are")
    user = slot.user
    if not user and slot.auth != "token":
        words = "User: " if slot.auth == "basic" else "User (empty: a token): "
        user = answer(words).strip()
        if not user and slot.auth == "basic":
            return None
    word = _hidden(f"Password of {output.safe(user)}: " if user else "Token: ")
    return Secret(word, user) if word else None


def _hidden(question: str) -> str:
    import getpass

    # As in `answer`: nobody else hears ctrl+c while we wait.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return getpass.getpass(question)
    except EOFError:
        return ""
    finally:
        signal.signal(signal.SIGINT, before)
