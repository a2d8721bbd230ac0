"""A saved view on the command line: of the file, of the console, with more beside it."""

import json

from modeldeck.app.config.hands import SavedView
from modeldeck.app.config.paths import config_file
from modeldeck.app.console.memory import Memory
from modeldeck.app.console.views import keep
from modeldeck.backends.local.opening import open_registry
from tests.usecases.project import FAILED, FIRST, SECOND

FILE = """
[views.xgb]
where = "xgb or forest"
sort = "metrics.auc"
columns = ["metrics.auc", "params.depth", "user"]

[views.live]
noun = "models"
where = "alias = champion"
"""


def write(text):
    config_file().parent.mkdir(parents=True, exist_ok=True)
    config_file().write_text(text)


def ids(cli, *argv):
    result = cli("runs", "ls", "-o", "json", *argv)
    assert result.code == 0, result.err
    return [item["id"] for item in json.loads(result.out)["items"]]


def test_a_view_of_the_file(cli):
    write(FILE)
    assert ids(cli, "--view", "xgb") == [FIRST, SECOND, FAILED]
    assert ids(cli, "--view", "xgb", "--sort", "-metrics.auc")[0] == SECOND
    assert ids(cli, "--view", "xgb", "--filter", "status = failed") == [FAILED]
    head = cli("runs", "ls", "--view", "xgb").out.splitlines()[0].split()
    assert head[5:] == ["USER", "auc", "params.depth", "REASON"]
    assert "fraud" in cli("models", "ls", "--view", "live").out


def test_a_view_that_was_kept_in_the_console(cli, project):
    registry = open_registry(project / ".modeldeck")
    keep(Memory(registry.place), "broken", SavedView(where="status = failed"))
    assert ids(cli, "--view", "broken") == [FAILED]


def test_a_view_that_is_not_there(cli):
    write(FILE)
    result = cli("runs", "ls", "--view", "xbg")
    assert result.code != 0
    assert "Did you mean xgb?" in result.err
    result = cli("runs", "ls", "--view", "live")
    assert "the view 'live' is of models" in result.err
