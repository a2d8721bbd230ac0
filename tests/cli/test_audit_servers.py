"""The trail beside a real MLflow server: proven as any other, and put on the server as a tag."""

from __future__ import annotations

import pytest

from modeldeck.app.config.paths import state_folder
from tests.local.trails import owned

from .test_copy_servers import places, printed, program

__all__ = ["places"]
pytestmark = [pytest.mark.real, pytest.mark.slow]


def test_a_checkpoint_on_the_server_shows_what_the_file_hides(places):
    prod = ["--context", "prod"]
    for number in (1, 2):
        done = program(places, *prod, "audit", "checkpoint", "--tag", "Default", "--yes")
        assert done.returncode == 0, done.stderr
        assert done.stdout.split("\n")[1] == str(2 * number - 2), "an intent and its outcome each"
    found = printed(places, *prod, "audit", "verify")
    [tag] = [one for one in found["checkpoints"] if one["outside"]]
    assert (tag["place"], tag["state"], tag["size"]) == ("experiment Default", "same", 2)
    assert printed(places, *prod, "audit", "erase", "1", "--reason", "r", "--yes")["items"]
    assert printed(places, *prod, "audit", "show", "1")["payload"] == "erased"
    assert printed(places, *prod, "audit", "verify")["erased"] == 1
    [database] = state_folder().rglob("registry.db")
    with owned(database.parent.parent) as connection:
        for table in ("audit", "audit_index"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("DELETE FROM checkpoint")
        connection.execute("DELETE FROM audit_node")
    found = printed(places, *prod, "audit", "verify", code=1)
    assert (found["broken"]["seq"], found["broken"]["by"]) == (1, "checkpoint")


def test_a_tag_in_the_same_file_is_not_outside(places):
    done = program(places, "--registry", "there", "audit", "checkpoint", "--tag", "fraud", "--yes")
    assert done.returncode == 4
    assert "not outside" in done.stderr
