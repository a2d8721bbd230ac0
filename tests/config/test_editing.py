"""config.toml changed by a program: all else stays as it was written."""

from __future__ import annotations

import stat
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.config import editing
from modeldeck.app.config.paths import config_file
from modeldeck.backends.api.errors import ConflictError, UsageError

TEXT = """\
# my settings
theme = "dark"  # at night

# production
[contexts.prod]  # careful
protected = true
[contexts.prod.registry]
type = "mlflow"
url = "https://x"   # behind the proxy

# for trying out
[contexts."try".registry]
type = "mlflow"
url = "https://y"
"""


def test_a_key_is_added_before_the_first_table():
    made = editing.set_value(TEXT, (), "context", "prod")
    assert made == TEXT.replace("night\n", 'night\ncontext = "prod"\n')


def test_a_key_is_changed_and_its_comment_stays():
    made = editing.set_value(TEXT, ("contexts", "prod", "registry"), "url", "https://z#")
    assert made == TEXT.replace('"https://x"', '"https://z#"')
    assert editing.set_value(TEXT, (), "theme", "a") == TEXT.replace('"dark"', '"a"')


def test_a_key_is_added_to_a_table_and_taken_away_again():
    table = ("contexts", "try", "registry")
    made = editing.set_value(TEXT, table, "credential_file", "/x")
    assert made == f'{TEXT}credential_file = "/x"\n'
    assert editing.set_value(made, table, "credential_file", None) == TEXT


def test_a_table_that_is_not_there_is_added():
    made = editing.set_value("", ("contexts", "a.b"), "readonly", value=True)
    assert made == '[contexts."a.b"]\nreadonly = true\n'


def test_tables_are_added_at_the_end():
    content = {"readonly": True, "registry": {"type": "mlflow", "credential_command": ("a", "b")}}
    made = editing.add_tables(TEXT, ("contexts", "new"), content)
    assert made == (
        f"{TEXT}\n[contexts.new]\nreadonly = true\n[contexts.new.registry]\n"
        'type = "mlflow"\ncredential_command = ["a", "b"]\n'
    )


def test_a_context_is_removed_and_comments_about_others_stay():
    made = editing.remove_table(TEXT, ("contexts", "prod"))
    assert made == (
        '# my settings\ntheme = "dark"  # at night\n\n# production\n\n# for trying out\n'
        '[contexts."try".registry]\ntype = "mlflow"\nurl = "https://y"\n'
    )


HARD = {
    "inline tables": "contexts = {prod = {readonly = true}, dev = {readonly = true}}\n",
    "dotted keys": "contexts.prod.readonly = true\ncontexts.dev.readonly = true\n",
    "keys of the table above": "[contexts]\nprod = {readonly = true}\ndev.readonly = true\n",
    "a head in a text": '[contexts.prod]\nreadonly = true\n[contexts.dev.registry]\nuser = """\n'
    '[contexts.prod]\n"""\n',
}


@pytest.mark.parametrize("about", HARD)
def test_what_only_a_person_can_change_is_left_to_one(about):
    with pytest.raises(UsageError, match="`modeldeck context edit`"):
        editing.remove_table(HARD[about], ("contexts", "prod"))


def test_a_value_of_many_lines_is_left_to_a_person():
    text = "safe_directories = [\n  '/a',\n]\n"
    with pytest.raises(UsageError, match="only a person"):
        editing.set_value(text, (), "safe_directories", ("/b",))


@given(st.text(max_size=40), st.text(max_size=10))
def test_any_text_is_a_value(value, name):
    made = editing.add_tables(TEXT, ("contexts", name or "x"), {"registry": {"user": value}})
    assert tomllib.loads(made)["contexts"][name or "x"]["registry"]["user"] == value
    made = editing.set_value(TEXT, (), "context", value)
    assert tomllib.loads(made)["context"] == value


def test_windows_line_ends_stay():
    text = TEXT.replace("\n", "\r\n")
    path = config_file()
    path.parent.mkdir(parents=True)
    path.write_bytes(text.encode())
    editing.change(lambda found: editing.set_value(found, (), "theme", "x"))
    assert path.read_bytes() == text.replace("dark", "x").encode()


def test_the_file_is_private_and_a_link_to_it_stays_one(tmp_path):
    real = tmp_path / "dotfiles" / "config.toml"
    real.parent.mkdir()
    real.write_text("ascii = true\n", encoding="utf-8")
    real.chmod(0o666)
    path = config_file()
    path.parent.mkdir(parents=True)
    path.symlink_to(real)
    editing.change(lambda text: editing.set_value(text, (), "theme", "x"))
    assert path.is_symlink()
    assert real.read_text(encoding="utf-8") == 'ascii = true\ntheme = "x"\n'
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert list(real.parent.iterdir()) == [real]


def test_a_new_file_has_a_private_folder():
    editing.change(lambda text: editing.set_value(text, (), "theme", "x"))
    path = config_file()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_somebody_else_wrote_meanwhile_is_not_lost():
    def edit(text):
        config_file().parent.mkdir(parents=True, exist_ok=True)
        config_file().write_text("ascii = true\n", encoding="utf-8")
        return editing.set_value(text, (), "theme", "x")

    with pytest.raises(ConflictError, match="was changed meanwhile"):
        editing.change(edit)
    assert config_file().read_text(encoding="utf-8") == "ascii = true\n"


def test_what_would_not_be_right_is_not_written():
    config_file().parent.mkdir(parents=True)
    config_file().write_text("ascii = true\n", encoding="utf-8")
    with pytest.raises(UsageError, match="unknown key nothing"):
        editing.change(lambda text: editing.set_value(text, (), "nothing", value=True))
    assert config_file().read_text(encoding="utf-8") == "ascii = true\n"
