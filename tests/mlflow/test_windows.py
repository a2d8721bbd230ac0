"""Remote windows: pages once each, whatever the server's pages are like."""

import asyncio

import pytest

from modeldeck.backends.mlflow.windows import Fetched, RemoteWindow


class Pages:
    """A server of `rows`, of which those in `fits` fit; asked for by token and size."""

    def __init__(self, rows, fits=None, script=None, seconds=0.0):
        self.rows = list(rows)
        self.fits = fits or (lambda row: True)
        self.script = list(script or ())
        self.asked = []
        self.seconds = seconds  # a row
        self.now = 0.0

    async def __call__(self, token, size):
        await asyncio.sleep(0)
        self.asked.append((token, size))
        self.now += size * self.seconds
        if self.script:
            rows, following = self.script.pop(0)
        else:
            start = int(token or 0)
            rows = self.rows[start : start + size]
            following = str(start + size) if start + size < len(self.rows) else None
        return Fetched([row for row in rows if self.fits(row)], rows, following)


def window_of(pages):
    return RemoteWindow(
        pages,
        str,
        lambda looked, ended: [f"{looked} looked at{'' if ended else ' of ?'}"],
        str.upper,
        lambda: pages.now,
    )


def names(count):
    return [f"r{number}" for number in range(count)]


async def test_the_first_page_is_one_request():
    pages = Pages(names(500))
    window = window_of(pages)
    await window.open(100)
    assert len(pages.asked) == 1
    assert window.first == [name.upper() for name in names(100)]
    assert (window.count, window.at_least) == (None, 100)
    await window.whole()
    assert len(pages.asked) == 1


async def test_what_was_fetched_is_not_asked_for_again():
    pages = Pages(names(300))
    window = window_of(pages)
    await window.open(100)
    await window.page(100, 100)
    asked = len(pages.asked)
    assert await window.page(0, 200) == [name.upper() for name in names(200)]
    assert await window.page(120, 30) == [name.upper() for name in names(150)[120:]]
    assert len(pages.asked) == asked == 2


async def test_the_count_is_known_at_the_end():
    window = window_of(Pages(names(250)))
    await window.open(100)
    assert [len(await window.page(start, 100)) for start in (0, 100, 200, 300)] == [100, 100, 50, 0]
    assert window.count == 250
    assert list(window.notes) == ["250 looked at"]


async def test_pages_asked_for_together_are_fetched_once():
    pages = Pages(names(1000))
    window = window_of(pages)
    await window.open(100)
    found = await asyncio.gather(*(window.page(100, 200) for _ in range(5)))
    assert all(page == found[0] for page in found)
    assert len(pages.asked) == 2


async def test_a_cancelled_page_leaves_the_window_whole():
    window = window_of(Pages(names(300)))
    await window.open(100)
    task = asyncio.create_task(window.page(100, 100))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await window.page(0, 300) == [name.upper() for name in names(300)]


async def test_with_a_filter_here_opening_takes_two_requests_at_most():
    pages = Pages(names(50_000), fits=lambda row: row == "r49999")
    window = window_of(pages)
    await window.open(100)
    assert [size for _, size in pages.asked] == [100, 1000]
    assert (window.first, window.count) == ([], None)
    assert list(window.notes) == ["1100 looked at of ?"]
    assert await window.page(0, 1) == ["R49999"]
    assert {size for _, size in pages.asked[2:]} == {1000}


async def test_opening_does_not_wait_for_more_where_there_is_something_to_look_at():
    pages = Pages(names(5000), fits=lambda row: row.endswith("0"))
    window = window_of(pages)
    await window.open(100)
    assert [size for _, size in pages.asked] == [100]
    assert (len(window.first), window.count) == (10, None)
    assert len(await window.page(0, 100)) == 100
    assert [size for _, size in pages.asked[1:]] == [900]  # a tenth fits


async def test_pages_of_a_slow_server_are_smaller():
    pages = Pages(names(5000), fits=lambda row: row.endswith("00"), seconds=0.005)
    window = window_of(pages)
    await window.open(100)
    await window.page(0, 20)
    assert max(size for _, size in pages.asked[1:]) == 300  # 1.5 seconds


async def test_places_are_those_of_what_was_fetched():
    window = window_of(Pages(names(300)))
    await window.open(100)
    assert await window.index_of("r42") == 42
    assert await window.index_of("r142") is None
    await window.page(100, 100)
    assert await window.index_of("r142") == 142
    assert await window.keys() == names(300)[: window.at_least]


async def test_a_row_that_comes_twice_stands_once():
    """A run began while the list was read: offsets have moved by one."""
    window = window_of(Pages([], script=[(["a", "b"], "2"), (["b", "c"], "4"), (["d"], None)]))
    await window.open(2)
    assert await window.page(0, 10) == ["A", "B", "C", "D"]
    assert window.count == 4
    assert "1 rows came twice" in window.notes[1]


async def test_a_page_token_that_comes_again_ends_the_list():
    window = window_of(Pages([], script=[(["a"], "2"), (["b"], "2"), (["c"], "2")]))
    await window.open(1)
    assert await window.page(0, 10) == ["A", "B"]
    assert window.notes[-1] == (
        "the list breaks off after 2: the server gave the same page token twice"
    )


async def test_an_empty_page_with_a_token_ends_the_list():
    window = window_of(Pages([], script=[(["a"], "2"), ([], "3"), (["c"], None)]))
    await window.open(1)
    assert await window.page(0, 10) == ["A"]
    assert "an empty page" in window.notes[-1]


async def test_a_page_of_nothing_new_ends_the_list():
    window = window_of(Pages([], script=[(["a"], "2"), (["a"], "3"), (["a"], "4")]))
    await window.open(1)
    assert await window.page(0, 10) == ["A"]
    assert "rows that it had given before" in window.notes[-1]
