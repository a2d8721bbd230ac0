"""The page on gates is true: its examples are read, its tables name every kind and key."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from modeldeck.app.config.policy_file import parse_policy
from modeldeck.app.config.settings import Settings
from modeldeck.app.config.toml import parse_toml
from modeldeck.app.usecases.gates.kinds import KINDS, known_kinds
from modeldeck.app.usecases.roles import MAY

PAGE = (Path(__file__).parents[2] / "docs" / "gates.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("place", range(len(EXAMPLES)))
def test_each_example_is_read(place):
    text = EXAMPLES[place]
    if "[contexts." in text:
        assert parse_toml(text, Path("config.toml"), Settings).contexts["bank-prod"].policy_ref
        return
    assert parse_policy(text, "docs/gates.md", known_kinds)


def test_one_example_has_every_kind():
    whole = next(text for text in EXAMPLES if "[gates." in text)
    rules = tomllib.loads(whole)["gates"]["production"]["rules"]
    assert {rule["kind"] for rule in rules} == KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_a_kind_is_told_of(kind):
    section = PAGE.partition(f"### {kind}\n")[2].partition("\n### ")[0].partition("\n## ")[0]
    for field in msgspec.structs.fields(known_kinds()[kind]):
        if field.name != "kind":
            assert f"`{field.encode_name}`" in section, field.name


def test_every_role_is_told_of():
    for role in MAY:
        assert f"\n| {role} | " in PAGE
