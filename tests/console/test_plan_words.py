"""A plan in words: what its dialog says, its button, its command line."""

from datetime import timedelta

import msgspec
import pytest

from modeldeck.app.console.plan_words import (
    command_text,
    heading,
    lapse_words,
    plan_lines,
    verb,
    why_not_apply,
)
from modeldeck.backends.api.plan import Change, Inverse, Plan, PolicyRef, Verdict
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


def said(plan, **options):
    return text_of(plan_lines(plan, **options))


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


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (plan("run.rm", *RUN), "delete 3 runs"),
        (plan("odd.thing", *TAG), "odd.thing"),
    ],
)
def test_the_head_says_what_a_plan_is_for(made, words):
    assert heading(made) == words


def test_the_command_line_carries_what_was_typed_and_can_be_pasted():
    typed = plan(reason="it's $better", ticket="CHG 1")
    assert command_text(typed).endswith("""--ticket 'CHG 1' --reason 'it'"'"'s $better'""")
    assert command_text(plan(command=())) == ""


def test_before_and_after_of_every_field_are_said():
    text = said(plan())
    assert "models/fraud@champion  version  12 -> 13" in text
    assert "EXPECTS      champion is 12" in text
    assert "z, or modeldeck undo: champion 13 -> 12" in text
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
    assert "auc delta" not in said(barred), "what passes is counted"
    text = said(barred, numbers=True)
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


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (timedelta(minutes=15), "lapses in 15 min"),
        (timedelta(minutes=14, seconds=1), "lapses in 15 min"),
        (timedelta(seconds=1), "lapses in 1 min"),
        (timedelta(hours=30), "lapses in 30 h"),
        (timedelta(seconds=-1), "LAPSED: make it again"),
    ],
)
def test_how_long_it_lives_is_said_by_minutes(left, words):
    assert lapse_words(plan(lapses_at=NOW + left), NOW) == words


def test_what_the_ticket_that_is_typed_meets_does_not_bar():
    gates = (Verdict(rule="ticket", kind="ticket", verdict="fail", shows="none given"),)
    assert "ticket" in why_not_apply(plan(gates=gates))
    assert why_not_apply(plan(gates=gates), "CHG1") == ""


def test_a_promotion_names_policy_digest_approvals_and_broken_glass():
    made = plan(
        arguments={"as": "rollback", "digest": "sha256:9f2c4d1a" + "0" * 54 + "e1"},
        policy=PolicyRef(commit="a1b2c3d4e5", ref="origin/main", notes=("edits do not count",)),
        gates=(Verdict(rule="freeze", gate="production", verdict="waived", shows="until 12-20"),),
        evidence={
            "glass": "INC0042",
            "approved": [
                {
                    "id": "sha256:1",
                    "person": "rev1",
                    "key": "SHA256:Qw3fAbCdEf",
                    "time": "2026-11-23T07:55:00Z",
                    "expires": "2026-12-06T12:30:00Z",
                }
            ],
        },
    )
    text = " ".join(said(made).split())
    assert "digest 9f2c4d1a..e1, policy a1b2c3d origin/main" in text
    assert "BREAKS GLASS with INC0042" in text
    assert "production 0 of 1 pass, 1 WAIVED: glass broken" in text
    assert "WAIV freeze until 12-20" in text
    assert "APPROVED rev1 07:55 (SHA256:Qw3fA..), good 13 d" in text
    assert "POLICY edits do not count" in text
    assert verb(made) == "Roll back champion 12 -> 13"
    assert why_not_apply(made) == ""


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
