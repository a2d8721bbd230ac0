"""What of many lines is in sight, and where a search stands."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.widgets.reader.buffer import LineBuffer
from modeldeck.widgets.reader.model import PAUSE, Match, Reading, crop, parts
from modeldeck.widgets.reader.styles import diff_style, markdown_style
from modeldeck.widgets.text import cells, show


class Counted(Sequence):
    """A million lines that say how many of them were looked at."""

    def __init__(self, count):
        self.count, self.looked = count, 0

    def __len__(self):
        return self.count

    def __getitem__(self, at):
        if not 0 <= at < self.count:
            raise IndexError(at)
        self.looked += 1
        return f"line {at}"


def reading(lines, width=20, height=5, **states):
    view = Reading(lines)
    for name, value in states.items():
        setattr(view, name, value)
    view.resize(width, height)
    return view


def text(view):
    return ["".join(part for part, _ in row.runs) for row in view.rows()]


def test_stamps_stand_before_lines_and_take_their_room():
    view = reading(["first line", "a second one"], width=16, height=4, numbers=True)
    view.set_stamps(lambda line: ["0:01", ""][line], 4)
    assert text(view)[:2] == ["1 0:01 first li…", "2      a second…"]
    view.set_wrap(True)
    assert text(view) == ["1 0:01 first", "       line", "2      a second", "       one"]
    view.set_stamps(None)
    assert text(view)[:2] == ["1 first line", "2 a second one"]


def test_a_buffer_says_where_lines_begin_whatever_was_dropped():
    data = b"".join(b"line %d\r\n" % n for n in range(99))
    buffer = LineBuffer(most=100)
    for at in range(0, len(data), 7):
        buffer.append(data[at : at + 7])
    assert buffer.dropped
    for at, line in enumerate(buffer):
        assert data[buffer.offset(at) :].startswith(line.encode() + b"\r\n")


def found(view, *, back=False):
    match = next((one for one in view.hunt(back=back) if one), None)
    if match:
        view.reveal(match)
    return match


def test_it_shows_what_fits_and_moves_no_further_than_the_end():
    view = reading([f"line {n}" for n in range(12)])
    assert text(view) == [f"line {n}" for n in range(5)]
    assert view.position == "lines 1-5 of 12"
    view.page(1)
    assert text(view)[0] == "line 4"
    view.page(5)
    assert text(view) == [f"line {n}" for n in range(7, 12)]
    view.move(-1)
    assert view.position == "lines 7-11 of 12"
    view.goto(0)
    view.move(-3)
    assert view.position == "lines 1-5 of 12"
    view.end()
    assert view.position == "lines 8-12 of 12"


def test_fewer_lines_than_rows_and_none_at_all():
    view = reading(["a", "b"])
    assert text(view) == ["a", "b", "", "", ""]
    for move in (lambda: view.move(3), lambda: view.page(-1), view.end):
        move()
        assert view.position == "lines 1-2 of 2"
    none = reading([])
    none.move(1)
    none.page(-1)
    none.end()
    none.search("x")
    assert text(none) == [""] * 5
    assert none.position == "no lines"
    assert found(none) is None


def test_a_million_reader_cost_what_is_in_sight():
    lines = Counted(1_000_000)
    view = reading(lines, height=40, wrap=True, numbers=True)
    view.end()
    assert text(view)[-1] == "1000000 line 999999"
    view.page(-3)
    view.goto(500_000)
    view.rows()
    assert lines.looked < 4000


def test_long_lines_are_cut_or_wrapped():
    view = reading(["0123456789" * 3, "end"], width=12, height=4)
    assert text(view)[:2] == ["01234567890…", "end"]
    assert view.shift(16)
    assert text(view)[0] == "67890123456…"
    assert view.position == "lines 1-2 of 2  from column 17"
    view.shift(100)
    assert view.left == 18
    assert text(view)[0] == "890123456789"
    assert not view.shift(1)
    view.set_wrap(wrap=True)
    assert text(view) == ["012345678901", "234567890123", "456789", "end"]
    assert view.left == 0
    assert not view.shift(1)
    assert Reading([]).ascii_only is False
    plain = reading(["0123456789" * 3], width=12, height=1, ascii_only=True)
    assert text(plain) == ["012345678..."]


def test_wrapping_prefers_spaces_and_moves_by_rows():
    view = reading(["the quick brown fox jumps", "over"], width=10, height=2, wrap=True)
    assert text(view) == ["the quick", "brown fox"]
    view.move(1)
    assert text(view) == ["brown fox", "jumps"]
    view.move(9)
    assert text(view) == ["jumps", "over"]
    view.move(-1)
    assert text(view) == ["brown fox", "jumps"]


def test_numbers_stand_before_first_parts_alone():
    view = reading(["a" * 20, "b"], width=12, height=3, wrap=True, numbers=True)
    assert text(view) == ["1 aaaaaaaaaa", "  aaaaaaaaaa", "2 b"]


@given(st.text(st.characters(codec="utf-8"), max_size=200), st.integers(1, 30))
def test_the_parts_of_a_line_are_the_line_and_fit(raw, width):
    line = show(raw)
    starts = parts(line, width)
    pieces = [line[a:b] for a, b in zip(starts, [*starts[1:], len(line)], strict=True)]
    assert "".join(pieces) == line
    assert all(cells(piece) <= width or len(piece) == 1 for piece in pieces)
    assert all(pieces) or line == ""


@given(st.text("aé日\u0301 b", max_size=60), st.integers(0, 40), st.integers(1, 20))
def test_a_crop_fits(raw, left, width):
    line = show(raw)
    start, end, lead = crop(line, left, width)
    assert cells(lead + line[start:end]) <= width
    if end < len(line):
        assert cells(lead + line[start : end + 1]) > width


def test_foreign_text_is_shown_and_tabs_are_spaces():
    view = reading(
        ["a\tb", "\x1b]52;c;x\x07", "[/bold] \u202e", "日本語日本語"], width=24, height=4
    )
    assert text(view) == [
        "a       b",
        r"\u{1b}]52;c;x\u{07}",
        r"[/bold] \u{202e}",
        "日本語日本語",
    ]
    view.resize(5, 4)
    assert text(view)[3] == "日本…"
    view.shift(3)
    assert text(view)[3] == " 語…"


def test_following_stays_at_the_end_until_one_moves_back():
    lines = [f"{n}" for n in range(10)]
    view = reading(lines, height=3, follow=True)
    assert text(view) == ["7", "8", "9"]
    lines.append("10")
    view.grew()
    assert text(view) == ["8", "9", "10"]
    view.move(1)
    assert view.follow
    view.move(-1)
    assert not view.follow
    lines.append("11")
    view.grew()
    assert text(view) == ["7", "8", "9"]
    view.set_follow(follow=True)
    assert text(view) == ["9", "10", "11"]


def test_what_goes_from_the_beginning_takes_places_along():
    lines = [f"{n}" for n in range(100)]
    view = reading(lines, height=3)
    view.search("52")
    found(view)
    view.goto(50)
    del lines[:20]
    view.grew(20)
    assert text(view)[0] == "50"
    assert view.match == Match(32, 0, 2)
    del lines[:60]
    view.grew(60)
    assert view.match is None
    assert text(view)[0] == "80"


def test_a_search_goes_on_and_round_in_both_directions():
    view = reading(["one two", "three", "Two", "x", "two two"], height=2)
    view.search("two")
    places = [(m.line, m.start, m.round) for m in (found(view) for _ in range(5))]
    assert places == [(0, 4, False), (2, 0, False), (4, 0, False), (4, 4, False), (0, 4, True)]
    places = [(m.line, m.start, m.round) for m in (found(view, back=True) for _ in range(3))]
    assert places == [(4, 4, True), (4, 0, False), (2, 0, False)]
    view.search("Two")
    assert found(view).line == 2
    assert found(view) == Match(2, 0, 3, round=True)
    view.search("four")
    assert found(view) is None
    view.search("")
    assert found(view) is None
    assert view.spots("anything") == []


def test_a_search_finds_what_is_shown_and_marks_it():
    view = reading(["a\x1bb \x1b", "\\u{1b}"], height=2)
    view.search("\\u{1b}")
    assert found(view) == Match(0, 1, 7)
    (first, second) = view.rows()
    assert first.runs == (("a", ""), ("\\u{1b}", "current"), ("b ", ""), ("\\u{1b}", "match"))
    assert second.runs == (("\\u{5c}u{1b}", ""),)


def test_a_match_out_of_sight_is_brought_into_it():
    lines = ["x"] * 90 + ["y" * 50 + "needle"] + ["x"] * 90
    view = reading(lines, width=20, height=9)
    view.search("needle")
    match = found(view)
    assert match.line == 90
    assert view.top == 87
    assert "needle" in "".join(text(view))
    view.set_wrap(wrap=True)
    view.goto(0)
    view.reveal(match)
    assert "needle" in "".join(text(view))


def test_a_long_search_pauses():
    view = reading(Counted(PAUSE * 3), height=2)
    view.search("nowhere")
    assert list(view.hunt()) == [None] * 3


def test_letters_that_change_their_length_are_still_found_at_their_place():
    view = reading(["İx needle"], width=40, height=1)
    view.search("needle")
    assert found(view) == Match(0, 3, 9)


@pytest.mark.parametrize("height", [0, 1])
def test_hardly_any_room(height):
    view = reading(["abc", "def"], width=0, height=height, wrap=True, numbers=True)
    view.move(1)
    view.end()
    assert len(view.rows()) == height


# Bytes as lines.


def test_every_kind_of_line_end_ends_a_line_wherever_it_is_cut():
    data = b"a\r\nb\n\nc\r10%\r20%\r\nlast"
    whole = ["a", "b", "", "c", "10%", "20%", "last"]
    for size in range(1, len(data)):
        buffer = LineBuffer()
        for at in range(0, len(data), size):
            buffer.append(data[at : at + size])
        assert list(buffer) == whole
    assert list(LineBuffer(b"a\n")) == ["a"]
    assert list(LineBuffer(b"a\r")) == ["a"]
    assert list(LineBuffer()) == []
    assert LineBuffer(b"a\nb")[-1] == "b"
    assert LineBuffer(b"a\nb\nc")[1:] == ["b", "c"]
    with pytest.raises(IndexError):
        LineBuffer(b"a")[1]


def test_bytes_that_are_no_utf8_are_marked():
    assert LineBuffer(b"\xff\xfe ok")[0] == "\ufffd\ufffd ok"
    assert LineBuffer("é".encode())[0] == "é"


@given(st.lists(st.binary(max_size=40), max_size=60))
def test_a_buffer_keeps_the_end_by_whole_lines(pieces):
    buffer = LineBuffer(most=100)
    everything = b""
    gone = 0
    for piece in pieces:
        everything += piece
        gone += buffer.append(piece)
    kept = list(buffer)
    whole = list(LineBuffer(everything))
    assert kept == whole[gone:]
    assert bool(gone) == bool(buffer.dropped)


def test_styles_of_lines():
    assert [diff_style(line) for line in ("+a", "-a", "@@ 1", " a", "--- a", "+++ b", "")] == [
        "ok", "bad", "accent", "", "strong", "strong", "",
    ]  # fmt: skip
    assert [markdown_style(line) for line in ("# A", "> q", "text")] == ["strong", "dim", ""]
