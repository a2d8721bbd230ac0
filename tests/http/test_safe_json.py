"""JSON that nobody should be harmed by."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modeldeck.backends.api.errors import DamagedError
from modeldeck.backends.http import loads_safe
from modeldeck.backends.http.safe_json import _loads_strict

DANGERS = {
    b"[" * 100_000: "more than 64 levels",
    b'{"a":' * 100_000: "more than 64 levels",
    b"[" * 65 + b"]" * 65: "more than 64 levels",
    b'["]]]]", ' + b"[" * 64 + b"]" * 64 + b"]": "more than 64 levels",
    rb'["\\", ' + b"[" * 64 + b"]" * 64 + b"]": "more than 64 levels",
    b"9" * 5000: "integer that is too large",
    b"-" + b"9" * 5000: "integer that is too large",
    b"18446744073709551616": "integer that is too large",
    b"-9223372036854775809": "integer that is too large",
    b"1e999": "number that is too large",
    b"-1e999": "number that is too large",
    b"1" * 400 + b".0": "number that is too large",
    b"NaN": "NaN, which is no number",
    b"[Infinity]": "Infinity, which is no number",
    b"-Infinity": "-Infinity, which is no number",
    b'{"a": 1, "b": {"c": 1, "c": 1}}': "'c' twice",
    b'{"a": 1, "\\u0061": 1}': "'a' twice",
    b"": "is empty",
    b" \n": "is empty",
    b"{": "not JSON",
    b"[1] [2]": "not JSON",
    b"'a'": "not JSON",
    b'"\xff"': "not UTF-8 at byte 2",
    b'"a\nb"': "not JSON",
    b"\xff\xfe[\x00]\x00": "not UTF-8",
}


@pytest.mark.parametrize("data", DANGERS, ids=lambda data: repr(data[:20]))
def test_dangers_are_told(data):
    with pytest.raises(DamagedError, match=DANGERS[data]):
        loads_safe(data)


def test_what_is_close_to_danger_is_taken():
    deep = b"[" * 64 + b"]" * 64
    assert json.dumps(loads_safe(deep)).encode() == deep
    text = '"' + "[{" * 100 + '\\"' + "\\\\" + '[["'
    assert loads_safe(text.encode()) == "[{" * 100 + '"\\[['
    assert loads_safe(b"18446744073709551615") == 2**64 - 1
    assert loads_safe(b"1e308") == 1e308
    assert loads_safe(b'[{"a": 1}, {"a": 1}]') == [{"a": 1}, {"a": 1}]


def test_a_lone_surrogate_is_replaced_and_a_pair_is_not():
    found = loads_safe(rb'{"\ud800k": ["a\uDFFFb", "\ud83d\ude00"], "n": 1}')
    assert found == {"\ufffdk": ["a\ufffdb", "😀"], "n": 1}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@settings(max_examples=40)
@given(VALUES, st.booleans())
def test_whatever_is_json_comes_back(value, ascii_only):
    assert loads_safe(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


def _outcome(read, data):
    try:
        return repr(read(data))
    except DamagedError as error:
        return error.what


@given(st.text('[]{}:,"\\ab\u00e9 \n0123456789.eE+-', max_size=30))
def test_whatever_is_read_fast_is_what_the_strict_reader_says(text):
    for data in (text.encode(), f'{{"a": [{text}], "b": "{text}"}}'.encode()):
        if data.strip():
            assert _outcome(loads_safe, data) == _outcome(_loads_strict, data)


@given(st.text('[]{}"\\ ,a', max_size=40))
def test_the_depth_in_brackets_is_what_a_reader_would_count(text):
    data = json.dumps([text, [[text]]]).encode()
    assert loads_safe(b"[" * 61 + data + b"]" * 61)
    with pytest.raises(DamagedError, match="levels"):
        loads_safe(b"[" * 62 + data + b"]" * 62)
