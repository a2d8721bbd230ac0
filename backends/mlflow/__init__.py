"""Adapter of MLflow tracking servers and registries, 2.22 and 3.x, over their REST alone."""

from ..api.connect import Connection
from .backend import MlflowServer


def connect(connection: Connection) -> MlflowServer:
    """The server of a context's slot. Nothing is sent before something is asked."""
    return MlflowServer(connection)
