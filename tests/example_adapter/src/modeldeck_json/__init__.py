"""A registry in one JSON file, for modeldeck."""

from modeldeck.backends.api.connect import Connection

from .server import JsonServer


def connect(connection: Connection) -> JsonServer:
    """The registry of a context's slot. The file is read when something is asked."""
    return JsonServer(connection)
