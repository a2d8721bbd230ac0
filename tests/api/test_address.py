from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api import address
from modeldeck.backends.api.address import NOUNS, Address, parse_address
from modeldeck.backends.api.errors import UsageError

NAMES = st.text(max_size=8).filter(lambda text: text == text.encode("utf-8", "replace").decode())


@given(
    st.sampled_from(NOUNS),
    NAMES,
    st.none() | st.integers(0, 10**18 - 1) | NAMES,
    NAMES.filter(lambda text: text not in NOUNS),
)
def test_an_address_reads_back(noun, name, place, context):
    version = place if isinstance(place, int) and noun == "models" else None
    alias = place if isinstance(place, str) and noun == "models" else None
    one = Address(noun=noun, name=name, version=version, alias=alias, context=context)
    assert parse_address(str(one)) == one


def test_they_read_well():
    assert address.run("3f2a9c") == "runs/3f2a9c"
    assert address.version("fraud detection", 13) == "models/fraud detection/13"
    assert address.alias("a/b@c", "champion") == "models/a%2Fb%40c@champion"
    assert parse_address("prod/models/fraud/13").context == "prod"


def test_half_of_a_character_has_an_address():
    assert address.model("\ud800") == address.model("\ufffd")


@pytest.mark.parametrize(
    "text",
    ["", "x", "runs/a/b", "runs/a@b", "models/a/x", "models/a/-1", "models/a/²", "models/a@b/3",
     "models/a/" + "9" * 30, "models/a/1/2"],
)  # fmt: skip
def test_what_is_none_is_refused(text):
    with pytest.raises(UsageError):
        parse_address(text)
