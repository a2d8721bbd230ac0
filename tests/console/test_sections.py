"""The overview's sections: what is wrong first, and what is left out when there is nothing."""

from datetime import timedelta

from modeldeck.app.console.sections import Looked, entries_of, sections_of
from modeldeck.app.usecases.overview import Overview
from modeldeck.backends.api.runs import Run, Status
from tests.console.dump import NOW

NOTHING = Looked(0, None, 0)


def a_run(name, status, **more):
    return Run(id=name, name=name, experiment="e", status=status, started_at=NOW, **more)


def an_overview(**more):
    empty = {
        "context": "lab",
        "place": "",
        "readonly": "",
        "experiments": 1,
        "runs": 0,
        "running": [],
        "running_count": 0,
        "failed": [],
        "failed_lately": 0,
        "recent": [],
        "best": [],
        "models": [],
        "model_count": 0,
        "changes": [],
        "next": [],
    }
    return Overview(**{**empty, **more})


def names(overview, looked=NOTHING, changes=()):
    return [one.name for one in sections_of(overview, NOW, {}, looked, changes)]


def test_sections_without_rows_are_left_out():
    assert names(an_overview()) == ["NOT CONNECTED"]


def test_what_is_wrong_comes_first_and_is_not_said_twice():
    failed = a_run("f", Status.FAILED, reason="exit 1")
    running = a_run("r", Status.RUNNING)
    done = a_run("d", Status.FINISHED)
    found = an_overview(
        failed=[failed],
        failed_lately=9,
        running=[running],
        running_count=1,
        recent=[running, failed, done],
        runs=12_345,
    )
    sections = sections_of(found, NOW, {}, NOTHING, ())
    assert [one.name for one in sections] == ["FAILED", "RUNNING", "RECENT", "NOT CONNECTED"]
    assert [entry.row.key for entry in sections[2].entries] == ["r/d"]
    heads = [e.row.span.text for e in entries_of(sections, 60, 20) if e.row.key.startswith("/")]
    assert heads[0].startswith("FAILED 1 of 9  in the last day ---")
    assert heads[1].startswith("RUNNING 1 ---")
    assert heads[2].startswith("RECENT  of 12,345 runs in 1 experiment ---")
    assert all(len(head) <= 57 for head in heads)


def test_only_what_has_room_is_shown_and_heads_say_so():
    runs = [a_run(f"r{at}", Status.RUNNING) for at in range(8)]
    found = an_overview(running=runs, running_count=40, next=[("Do", "this")])
    entries = entries_of(sections_of(found, NOW, {}, NOTHING, ()), 80, 9)
    assert len(entries) == 9
    assert entries[0].row.span.text.startswith("RUNNING 5 of 40 ")
    assert entries[0].goes == "runs /status = running"
    assert entries[7].command == "this"


def test_since_when():
    looked = Looked(7, NOW - timedelta(days=2), 0)
    assert names(an_overview(), looked) == ["NOT CONNECTED"]
