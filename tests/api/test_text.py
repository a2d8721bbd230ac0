from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modeldeck.backends.api.text import exact


@given(st.text(alphabet=st.characters() | st.characters(categories=["Cs"])))
def test_only_lone_surrogates_change(text):
    found = exact(text)
    found.encode()
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert found == text


def test_a_lone_one_is_the_replacement_character():
    assert exact("a\udcffb") == "a\ufffdb"
