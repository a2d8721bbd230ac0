"""The policy in force now: a session may outlive the one that it was opened with."""

import asyncio

from msgspec.structs import replace

from modeldeck.app.config.policy import Policy
from modeldeck.backends.api.errors import ModeldeckError

from .session import Session


async def in_force(session: Session) -> Session:
    """The session under the policy as it is now. One that cannot be read lets nothing through."""
    if session.reread is None:
        return session
    try:
        policy = await asyncio.to_thread(session.reread)
    except (ModeldeckError, OSError) as error:
        policy = Policy(trouble=str(error))
    return replace(session, policy=policy)
