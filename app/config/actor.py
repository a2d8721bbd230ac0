"""Who sits here, as far as the machine can tell."""

import os
import socket

from modeldeck.backends.api.events import Actor


def current_actor(key: str | None = None) -> Actor:
    """The login user, who stood behind sudo, the host, and the terminal or SSH connection.

    `key` is the fingerprint of the key that this person signs with.
    """
    import pwd

    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())
    return Actor(
        user=user,
        sudo_user=os.environ.get("SUDO_USER") or None,
        host=socket.gethostname(),
        session=_session(),
        key=key,
        on_behalf_of=os.environ.get("MODELDECK_ON_BEHALF_OF") or None,
    )


def _session() -> str:
    parts = []
    if connection := os.environ.get("SSH_CONNECTION"):
        parts.append(f"ssh {connection.split(' ')[0]}")
    for handle in range(3):
        try:
            parts.append(os.ttyname(handle))
        except OSError:
            continue
        break
    return " ".join([*parts, f"pid {os.getpid()}"])
