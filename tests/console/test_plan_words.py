"""A plan in words: what its dialog says, its button, its command line."""

from datetime import timedelta

import msgspec
import pytest

from modeldeck.app.console.plan_words import (
    command_text,
    lapse_words,
    plan_lines,
    verb,
    why_not_apply,
)
from modeldeck.backends.api.plan import Change, Inverse, Plan, Verdict
from modeldeck.widgets.lines import text_of, wrapped
from tests.console.dump import NOW


def plan(operation="alias.set", *changes, **more):
    options = {
        "operation": operation,
        "arguments": {},
        "context": "lab",
        "changes": changes or (Change("models/fraud@champion", "version", 12, 13),),
        "created_at": NOW,
        "lapses_at": NOW + timedelta(minutes=15),
        "inverse": Inverse(operation, {}),
        "command": ("modeldeck", "alias", "set", "fraud", "champion", "13", "--expect", "12"),
    }
    return Plan(**{**options, **more})


def said(plan):
    return text_of(plan_lines(plan))


RUN = [Change(f"runs/{n}", "deleted", None, "2026-11-23T12:30:00Z") for n in range(3)]
TAG = [Change(f"runs/{n}", "tag:team", None, "risk") for n in range(2)]
UNTAG = [Change("runs/1", "tag:team", "risk", None)]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (plan(), "Move champion 12 -> 13"),
        (plan("alias.set", Change("models/a@b", "version", None, 1)), "Set b to 1"),
        (plan("alias.rm", Change("models/a@b", "version", 3, None)), "Remove b from 3"),
        (plan("run.rm", *RUN), "Delete 3 runs"),
        (plan("run.restore", RUN[0]), "Restore 1 run"),
        (plan("run.tag", *TAG), "Set tag team on 2 runs"),
        (plan("version.tag", *UNTAG), "Remove tag team from 1 version"),
        (plan("version.card", Change("models/a/1", "card", "", "x")), "Save the card"),
        (plan("odd.thing", *TAG), "Apply 2 changes"),
        (plan(undo_of=7), "Move champion 12 -> 13 (undo)"),
    ],
)
def test_the_button_is_named_by_what_it_does(made, words):
    assert verb(made) == words


def test_the_command_line_carries_what_was_typed_and_can_be_pasted():
    typed = plan(reason="it's $better", ticket="CHG 1")
    assert command_text(typed).endswith("""--ticket 'CHG 1' --reason 'it'"'"'s $better'""")
    assert command_text(plan(command=())) == ""


def test_before_and_after_of_every_field_are_said():
    text = said(plan())
    assert "models/fraud@champion  version  12 -> 13" in text
    assert "EXPECTS      champion is 12" in text
    assert "z in this session: champion 13 -> 12" in text
    assert "in use -> deleted" in said(plan("run.rm", *RUN))
    assert "tag team  risk -> not set" in said(plan("run.tag", *UNTAG))


def test_what_is_expected_to_stay_is_no_change_but_an_expectation():
    stays = Change("models/fraud/13", "deleted", None, None)
    text = said(plan("alias.set", Change("models/fraud@champion", "version", 12, 13), stays))
    assert text.count("models/fraud/13") == 1
    assert "models/fraud/13 is in use" in text
    assert "WRITES" not in text
    assert "with 1 event" in said(plan(request="one transaction"))


def test_a_text_is_shown_as_its_difference():
    change = Change("models/a/1", "card", "one\ntwo\nthree\n", "one\n2\nthree\n")
    text = said(plan("version.card", change))
    assert "1 lines in, 1 out" in text
    assert "-two" in text
    assert "+2" in text
    ends = Change("models/a/1", "card", "one", "one\n")
    assert "only the end of the last line differs" in said(plan("version.card", ends))


def test_failing_rules_come_first_and_bar_the_way():
    gates = (
        Verdict(rule="auc delta", verdict="pass", shows="+.0043"),
        Verdict(rule="approvals", verdict="wait"),
        Verdict(rule="card complete", verdict="fail", shows='"limitations" is empty'),
        Verdict(rule="vulnerabilities", verdict="unknown"),
    )
    barred = plan(gates=gates)
    text = said(barred)
    order = [text.index(f"{word} {rule}") for word, rule in (
        ("FAIL", "card complete"), ("wait", "approvals"), ("unkn", "vulner"), ("pass", "auc"),
    )]  # fmt: skip
    assert order[1:] == sorted(order[1:])
    assert "1 of 4 pass" in text
    why = why_not_apply(barred)
    assert why == ('a gate does not pass: FAIL card complete ("limitations" is empty), and 2 more')


def test_a_verdict_that_nobody_knows_is_no_pass():
    odd = plan(gates=(Verdict(rule="r", verdict="perhaps"),))
    assert "perhaps r" in why_not_apply(odd)
    assert "0 of 1 pass" in said(odd)


def test_nothing_to_change_and_no_way_back_are_said():
    same = plan("alias.set", Change("models/fraud@champion", "version", 13, 13))
    assert "it is so already" in why_not_apply(same)
    assert "nothing: it is so already" in said(same)
    assert "none: this cannot be undone" in said(plan(inverse=None))
    assert why_not_apply(plan()) == ""


def test_hundreds_of_changes_are_all_there_and_expected_as_one():
    many = [Change(f"runs/{n:032x}", "deleted", None, "now") for n in range(700)]
    text = said(plan("run.rm", *many))
    assert text.count("in use -> deleted") == 700
    assert "all 700 values as they were read" in text
    assert "WHAT CHANGES  700" in text


def test_it_lapses_at_a_time_of_the_reader():
    assert lapse_words(plan(), NOW) == "lapses at 12:45"


def test_no_control_character_of_a_name_is_drawn():
    odd = "\x1b]52;c;x\x07[/]\u202e"
    hostile = plan(
        "alias.set",
        Change(f"models/{odd}@{odd}", "version", odd, odd + "2"),
        effects=[odd],
        untouched=[odd],
        request=odd,
        command=("modeldeck", odd),
    )
    hostile = msgspec.structs.replace(
        hostile, reason=odd, gates=(Verdict(rule=odd, verdict=odd, shows=odd),)
    )
    drawn = [text for one in plan_lines(hostile) for row in wrapped(one, 70) for text, _ in row]
    assert not any(ord(c) < 32 or c in "\x7f\u202e" for text in drawn for c in text)
