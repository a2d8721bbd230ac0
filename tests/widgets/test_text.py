import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.widgets.text import (
    MARKS,
    cells,
    clip,
    file_name,
    one_line,
    show,
    show_lines,
    show_name,
)

# Every kind of character, and those that attack more often than chance would have it.
HOSTILE = (
    "\x00\x07\x1b\x7f\x85\x9b\x9d\r\n\t \u00a0\u00ad\u034f\u0300\u0301\u0323\u0338\u061c"
    "\u115f\u1160\u1161\u11a8\u180e\u200b\u200d\u200e\u2028\u2029\u202e\u2066\u20dd\u2800"
    "\u3000\u3164\ud800\udc1b\ue000\ufe0f\ufeff\U000e0041\U000e0100\U0001f1e9\U0001f3fd"
    "aeo\u00e9\u1112\uac00\u212b\u2126\uf900\u4e2d\\u{}[/]0123456789"
)
TEXT = st.lists(
    st.one_of(
        st.sampled_from([*HOSTILE, "\\u{", "\\u{1b}", "\\u{5c}"]),
        st.characters(codec=None, exclude_categories=()),
    )
).map("".join)


def equivalent(text):
    """Texts that a reader cannot tell from `text` if they are drawn as they are."""
    clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return {clean, *(unicodedata.normalize(form, clean) for form in ("NFC", "NFD"))}


@pytest.mark.parametrize(
    "name",
    [
        "xgb-w48-07",
        "resnet[prod]",
        "[/]",
        "C:\\users\\new\\x1b",
        "\\u202e",
        "modèle-détection",
        "日本語モデル",
        "한국어",
        "नमस्ते",
        "ภาษาไทยกี้",
        "Việt Nam",
        "👍🚀",
        "two  spaces",
        "",
    ],
)
def test_an_ordinary_name_comes_back_as_it_is(name):
    assert show(name) == name
    assert show_name(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("\x1b[31m", "\\u{1b}[31m"),
        ("\x9b", "\\u{9b}"),
        ("a\nb", "a\\u{0a}b"),
        ("\u202egpj", "\\u{202e}gpj"),
        ("fra\u200bud", "fra\\u{200b}ud"),
        ("❤\ufe0f", "❤\\u{fe0f}"),
        ("👍\U0001f3fd", "👍\\u{1f3fd}"),
        ("a\u00a0b\u3000c", "a\\u{a0}b\\u{3000}c"),
        ("\ud800", "\\u{d800}"),
        ("\U000e0041", "\\u{e0041}"),
        ("\u3164", "\\u{3164}"),
        ("\\u{1b}", "\\u{5c}u{1b}"),
        ("e\u0301", "e\\u{301}"),
        ("\u0301x", "\\u{301}x"),
        (" \u0301", " \\u{301}"),
        ("\u2126", "\\u{2126}"),
    ],
)
def test_what_cannot_be_seen_is_spelled(name, shown):
    assert show(name) == shown


@given(TEXT, TEXT)
def test_two_texts_never_have_the_same_spelling(one, other):
    for function in (show, show_name):
        assert (function(one) == function(other)) == (one == other)


@given(TEXT)
def test_a_text_can_be_read_back_from_its_spelling(text):
    assert unspell(show(text)) == text
    assert unspell(show_name(text)) == text


def unspell(shown):
    out, at = [], 0
    while at < len(shown):
        if shown.startswith("\\u{", at):
            end = shown.index("}", at)
            out.append(chr(int(shown[at + 3 : end], 16)))
            at = end + 1
        else:
            out.append(shown[at])
            at += 1
    return "".join(out)


@given(TEXT)
def test_spellings_are_printable_and_normal(text):
    shown = show(text)
    assert shown.isprintable()
    assert all(unicodedata.category(char)[0] not in "CZ" or char == " " for char in shown)
    assert unicodedata.is_normalized("NFC", shown)


@given(TEXT)
def test_texts_that_would_look_alike_do_not(text):
    twins = equivalent(text)
    assert len({unicodedata.normalize("NFD", show(twin)) for twin in twins}) == len(twins)


@given(st.text(st.sampled_from("ab \u0301\u0323\u0489\u20dd\u0e31"), max_size=40))
def test_marks_never_pile_up(text):
    run = 0
    for char in show(text):
        run = run + 1 if unicodedata.category(char)[0] == "M" else 0
        assert run <= MARKS


@given(TEXT)
def test_edges_are_visible(text):
    assert show_name(text).strip(" ") == show_name(text)


@given(TEXT, st.integers(-1, 30), st.sampled_from(["…", "..", ""]))
def test_a_clipped_text_fits_and_is_a_beginning(text, width, ellipsis):
    shown = show(text)
    clipped = clip(shown, width, ellipsis)
    assert cells(clipped) <= max(width, 0)
    if cells(shown) <= width:
        assert clipped == shown
    elif width >= cells(ellipsis):
        assert clipped.endswith(ellipsis)
        assert shown.startswith(clipped.removesuffix(ellipsis))


def test_a_wide_character_is_kept_whole_or_left_out():
    assert clip("日本語", 5) == "日本…"
    assert clip("日本語", 4) == "日…"
    assert clip("日本語", 6) == "日本語"


@given(TEXT, TEXT)
def test_two_texts_never_have_the_same_file_name(one, other):
    assert (file_name(one) == file_name(other)) == (one == other)


@given(st.text(max_size=300))
def test_a_file_name_is_one_plain_component(text):
    name = file_name(text)
    assert 0 < len(name) <= 120
    assert name[0] not in ".-"
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.%~")


def test_messages_become_one_line_and_texts_keep_theirs():
    assert one_line("no\n  such\tmodel \x1b[2J") == "no such model \\u{1b}[2J"
    assert show_lines("a\r\n\tb\rc\n") == ["a", "        b\\u{0d}c", ""]


@pytest.mark.real
def test_the_exits_need_neither_rich_nor_textual():
    code = (
        "import sys; from modeldeck.widgets.text import clip, show; show('é\\x1b'); clip('abc', 2);"
        "print([name for name in ('rich', 'textual', 'hashlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
