"""Settings: where something does not fit, file, line and a suggestion."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.config import settings, trust
from modeldeck.app.config.settings import Project, Settings, read_project, read_settings
from modeldeck.app.config.toml import read_keys, read_toml
from modeldeck.backends.api.errors import ModeldeckError, RefusedError

WRONG = {
    "a mistyped key": (
        '# mine\ntheme = "dark"\nreadonyl = true\n',
        "3: unknown key readonyl. Did you mean readonly?",
    ),
    "an unknown key": ("colour = 3\n", "1: unknown key colour. Known: safe_directories, theme"),
    "a wrong type": ('\nascii = "yes"\n', "2: ascii: Expected `bool`, got `str`"),
    "a wrong choice": ('mouse = "of"\n', "1: mouse: Invalid enum value 'of'. Write one of 'auto'"),
    "a wrong item": ("safe_directories = [1]\n", "1: safe_directories: Expected `str`, got `int`"),
    "no TOML": ("theme = \n", "1: is not TOML: Invalid value"),
    "no TOML at the end": ('theme = "x"\nmouse', "is not TOML: "),
    "a key twice": ("readonly = true\nreadonly = true\n", "is not TOML: Cannot overwrite a value"),
}


@pytest.mark.parametrize("about", WRONG)
def test_what_does_not_fit_is_named(tmp_path, about):
    text, words = WRONG[about]
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ModeldeckError) as caught:
        read_toml(path, Settings)
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)


PROJECTS = {
    "a direction": (
        '[metrics]\nloss = "lower"\nauc = "up"\n',
        ":3: metrics.auc: Invalid enum value",
    ),
    "a direction of no type": ("[metrics]\nauc = 1\n", ":2: metrics.auc: Expected `str`"),
    "a dotted one": ('metrics."val/auc" = "up"\n', ":1: metrics.val/auc: "),
    "an inline one": ('metrics = {a = "higher", b = "x"}\n', ":1: metrics.b: Invalid enum value"),
    "no table": ("metrics = 3\n", ":1: metrics: Expected `object`"),
    "a mistyped table": ("[metrcs]\n", ":1: unknown key metrcs. Did you mean metrics?"),
    "a mistyped later one": ("\n[enviroments.prod]\n", ":2: unknown key enviroments. Did you mean"),
    "a list of a mistyped one": ("x = 1\n[[gate]]\n", ":1: unknown key x."),
}


@pytest.mark.parametrize("about", PROJECTS)
def test_so_it_is_in_the_project(tmp_path, about):
    text, words = PROJECTS[about]
    (tmp_path / "modeldeck.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ModeldeckError) as caught:
        read_project(tmp_path)
    assert words in str(caught.value)
    if "Invalid enum" in words:
        assert "Write one of 'higher', 'lower'" in str(caught.value)


def test_what_later_versions_know_is_accepted_and_named(tmp_path):
    (tmp_path / "modeldeck.toml").write_text(
        '[metrics]\nauc = "higher"\n[environments.prod]\ntier = 1\n[[alerts]]\nrule = "x"\n',
        encoding="utf-8",
    )
    found = read_project(tmp_path)
    assert found.project == Project(metrics={"auc": "higher"})
    assert found.later == ("environments", "alerts")
    assert found.path == tmp_path / "modeldeck.toml"


def test_the_nearest_project_above_is_in_force(tmp_path):
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert read_project(below).path is None
    (tmp_path / "modeldeck.toml").write_text("", encoding="utf-8")
    assert read_project(below).path == tmp_path / "modeldeck.toml"
    (tmp_path / "a" / "modeldeck.toml").write_text("", encoding="utf-8")
    assert read_project(below).path == tmp_path / "a" / "modeldeck.toml"


def test_a_project_of_somebody_else_is_refused_unless_trusted(tmp_path, monkeypatch):
    (tmp_path / "modeldeck.toml").write_text("", encoding="utf-8")
    if os.getuid() == 0:  # root's own files are believed
        os.chown(tmp_path / "modeldeck.toml", 65534, -1)
    monkeypatch.setattr(trust.os, "getuid", lambda: 12345)
    with pytest.raises(RefusedError) as caught:
        read_project(tmp_path)
    assert f'safe_directories = ["{tmp_path.resolve()}"]' in str(caught.value)
    for allowed in (str(tmp_path.resolve()), "*"):
        assert read_project(tmp_path, frozenset([allowed])).path is not None


def test_no_file_gives_the_defaults(tmp_path):
    assert read_toml(tmp_path / "none.toml", Settings) == Settings()
    assert read_toml(tmp_path / "none.toml" / "below", Settings) == Settings()
    assert read_keys(tmp_path / "none.toml") == ()


def test_a_file_that_cannot_be_text(tmp_path):
    path = tmp_path / "config.toml"
    path.write_bytes(b'theme = "x"\n\xff\n')
    with pytest.raises(ModeldeckError, match=r"config.toml:2: is not UTF-8"):
        read_toml(path, Settings)
    path.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(ModeldeckError, match="larger than 1 MiB"):
        read_toml(path, Settings)
    path.write_bytes(b"\xef\xbb\xbfreadonly = true\r\n")
    assert read_toml(path, Settings).readonly
    path.unlink()
    path.mkdir()
    with pytest.raises(ModeldeckError, match="cannot be read"):
        read_toml(path, Settings)


def test_the_machine_s_own_file_holds_over_the_user_s(tmp_path, monkeypatch):
    mine, system = tmp_path / "mine.toml", tmp_path / "system.toml"
    mine.write_text('readonly = false\ntheme = "dark"\n', encoding="utf-8")
    system.write_text("readonly = true\n", encoding="utf-8")
    monkeypatch.setenv("MODELDECK_CONFIG", str(mine))
    monkeypatch.setattr(settings, "system_config_file", lambda: system)
    assert read_settings() == Settings(readonly=True, theme="dark")
    system.write_text("nothing = true\n", encoding="utf-8")
    with pytest.raises(ModeldeckError, match="unknown key nothing"):
        read_settings()


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_its_place(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        wrong = None
        read_toml(path, Settings)
    except ModeldeckError as error:
        wrong = error
    assert wrong is None or wrong.where.startswith(str(path))
