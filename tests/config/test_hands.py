"""Keys, aliases, commands and views in `config.toml`: what fits, and where what does not stands."""

import pytest
from textual.keys import _character_to_key

from modeldeck.app.actions import ACTIONS
from modeldeck.app.config.hands import filled
from modeldeck.app.config.paths import config_file
from modeldeck.app.config.settings import check_settings
from modeldeck.app.key_names import OF_WIDGETS, key_name, shown_key
from modeldeck.backends.api.errors import UsageError
from modeldeck.widgets.chart.chart import Chart
from modeldeck.widgets.reader import Reader
from modeldeck.widgets.table import Table

GOOD = """
restore = "always"

[keys]
promote = "P"
refresh = ["F5", "ctrl+r"]

[aliases]
ch = "models /champion"

[commands.blame]
key = "ctrl+g"
scopes = ["runs", "versions"]
command = ["git", "show", "--", "{id}", "{{literally}}"]
confirm = true
description = "look at the commit"

[views.failed]
noun = "runs"
where = "status = failed"
sort = "-started"
columns = ["metrics.auc", "git"]
"""


def test_what_fits_is_taken():
    found = check_settings(GOOD)
    assert found.keys["refresh"] == ("F5", "ctrl+r")
    assert found.aliases == {"ch": "models /champion"}
    assert found.commands["blame"].command[-1] == "{{literally}}"
    assert found.views["failed"].columns == ("metrics.auc", "git")
    assert found.restore == "always"


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ('[keys]\npromot = "P"\n', "2:1", "Did you mean promote?"),
        ('[keys]\n\n  promote = "hyper+x"\n', "3:3", "'hyper+x' is no key"),
        ('[keys]\npromote = "d"\n', "2:1", "is the key of describe"),
        ('[keys]\npromote = "P"\nrollback = "P"\n', "3:1", "is the key of promote"),
        ('[keys]\npromote = "o"\n', "2:1", "sorts by a column"),
        ("[keys]\npromote = []\n", "2:1", "names no key"),
        ('[aliases]\nruns = "models"\n', "2:1", "is a noun of its own"),
        ('[aliases]\nch = "modles /x"\n', "2:1", "Did you mean models?"),
        ('[aliases]\nch = " "\n', "2:1", "goes nowhere"),
        ('[commands.x]\ncommand = ["ls", "{adress}"]\n', "2:18", "Did you mean address?"),
        ('[commands.x]\ncommand = ["ls", "{"]\n', "2:18", "without its other"),
        ('[commands.x]\ncommand = ["{id}"]\n', "2:12", "the program itself"),
        ("[commands.x]\ncommand = []\n", "2:1", "names no program"),
        ('[commands.x]\ncommand = ["ls"]\nkey = "p"\n', "3:1", "is the key of promote"),
        ('[commands.x]\ncommand = ["ls"]\nscopes = ["run"]\n', "3:11", "Did you mean runs?"),
        (
            '[commands.x]\nscopes = ["runs"]\ncommand = ["ls", "{version}"]\n',
            "3:18",
            "runs have no version",
        ),
        ('[views.x]\nnoun = "run"\n', "2:1", "Did you mean runs?"),
    ],
)
def test_what_does_not_fit_says_where_and_what_would(text, place, said):
    with pytest.raises(UsageError) as caught:
        check_settings(text)
    assert said in str(caught.value)
    assert caught.value.where == f"{config_file()}:{place}"


def test_a_key_that_another_action_gave_up_is_free():
    found = check_settings('[keys]\npromote = "R"\nrollback = "p"\n')
    assert found.keys == {"promote": "R", "rollback": "p"}


def test_signs_are_called_as_textual_calls_them():
    for char in "?:/@=[]{}<>,.+-_\\|~!#$%&*();'\"`^aZ9é":
        assert key_name(char) == _character_to_key(char)


def test_every_key_of_the_list_is_a_key_and_is_written_as_the_list_writes_it():
    for action in ACTIONS:
        assert all(key_name(name) == name for name in action.keys.split(","))
        assert shown_key(action.keys.split(",")[0]) == action.shown


@pytest.mark.parametrize("text", ["", "  ", "hyper+x", "ctrl+", "shift+P", "ctrl+ctrl+x", "\x07"])
def test_what_is_no_key(text):
    assert key_name(text) == ""


def test_keys_that_widgets_take_are_known():
    taken = {
        key
        for widget in (Table, Reader, Chart)
        for binding in widget.BINDINGS
        for key in binding.key.split(",")
    }
    assert taken - {"enter"} <= set(OF_WIDGETS)


def test_values_stay_within_their_argument():
    assert filled("{{a}} {id}x", {"id": "{model}; $(rm)"}) == "{a} {model}; $(rm)x"
