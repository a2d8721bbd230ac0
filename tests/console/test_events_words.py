"""Events in few words."""

from __future__ import annotations

from modeldeck.app.console.events_words import change_words
from modeldeck.backends.api.events import Actor, Event
from tests.console.dump import NOW


def test_a_drill_says_how_it_went_and_not_its_figures():
    event = Event(
        seq=1, time=NOW, actor=Actor(user="op1", host="jump1"), tool="", context="", phase="done",
        action="rollback.drill", subject="models/fraud@champion",
        after={"drill": "passed", "to": 12, "seconds": 40.2, "bytes": 80_634},
    )  # fmt: skip
    assert change_words(event) == "drilled: passed, back to 12"


def test_the_files_of_a_version_are_counted():
    event = Event(
        seq=1, time=NOW, actor=Actor(user="ana", host="jump1"), tool="", context="", phase="done",
        action="version.register", subject="models/fraud/3", before={"content": None},
        after={"content": {"digest": "sha256:5d49", "files": [{"path": "a"}, {"path": "b"}]}},
    )  # fmt: skip
    assert change_words(event) == "none -> digest=sha256:5d49 files=2"
