"""One rule for a gate and for a rollback: whether who calls the one version can call the other."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.usecases.fitting import fit
from modeldeck.app.usecases.gated import Move
from modeldeck.app.usecases.rollback_checks import check_rollback
from modeldeck.backends.local import open_registry
from tests.usecases.gated import SIGNATURE, Side, asked
from tests.usecases.project import session_of

AMOUNT, AGE = SIGNATURE["inputs"]
SCORE = {"name": "score", "type": "double"}
WHY = {"name": "why", "type": "string"}
MAYBE = {"name": "country", "type": "string", "required": False}


def of(*inputs, outputs=(SCORE,), **more):
    return {"inputs": list(inputs), "outputs": list(outputs), **more}


FITS = {
    "the same": (of(AMOUNT, AGE), of(AMOUNT, AGE), "same 2 inputs, 1 output"),
    "fewer inputs": (of(AMOUNT), of(AMOUNT, AGE), "1 input for 2, 1 output"),
    "in another order": (of(AGE, AMOUNT), of(AMOUNT, AGE), "same 2 inputs, 1 output"),
    "an optional input": (of(AMOUNT, MAYBE), of(AMOUNT), "2 inputs for 1, 1 output"),
    "as older ones say it": (
        of(AMOUNT, {"name": "c", "type": "long", "optional": True}),
        of(AMOUNT),
        "2 inputs for 1, 1 output",
    ),
    "need not be there any more": (
        of({**AMOUNT, "required": False}),
        of(AMOUNT),
        "1 input for 1, 1 output",
    ),
    "one output more": (
        of(AMOUNT, outputs=(SCORE, WHY)),
        of(AMOUNT),
        "1 input, 2 outputs for 1",
    ),
    "another default": (
        of(AMOUNT, params=[{"name": "k", "type": "long", "default": 3}]),
        of(AMOUNT, params=[{"name": "k", "type": "long", "default": 5}]),
        "1 input, 1 output, 1 param for 1",
    ),
    "as text": (of(AMOUNT, outputs=[]), {"inputs": json.dumps([AMOUNT])}, "same 1 input"),
}
WRONG = {
    "a new input": (of(AMOUNT, AGE), of(AMOUNT), "input age is new"),
    "must be there now": (
        of({**AMOUNT, "required": True}),
        of({**AMOUNT, "required": False}),
        "input amount may not be left out any more",
    ),
    "an output dropped": (of(AMOUNT), of(AMOUNT, outputs=(SCORE, WHY)), "output why is gone"),
    "another type": (
        of({"name": "amount", "type": "long"}),
        of(AMOUNT),
        "input amount was double, is long",
    ),
    "another output": (
        of(AMOUNT, outputs=[{"type": "string"}]),
        of(AMOUNT, outputs=[{"type": "double"}]),
        "output #0 was double, is string",
    ),
    "another shape": (
        of({"name": "x", "type": "tensor", "tensor-spec": {"dtype": "f4", "shape": [-1, 3]}}),
        of({"name": "x", "type": "tensor", "tensor-spec": {"dtype": "f4", "shape": [-1, 4]}}),
        'input x was {"tensor-spec": {"dtype": "f4", "shape": [-1, 4]}, "type": "tensor"}, is '
        '{"tensor-spec": {"dtype": "f4", "shape": [-1, 3]}, "type": "tensor"}',
    ),
    "wrong beside what is not known": (
        {"inputs": "a b", "outputs": []},
        of(AMOUNT),
        "output score is gone",
    ),
}
UNKNOWN = {
    "a form of its own": ({**of(AMOUNT), "inputs": "a b"}, of(AMOUNT)),
    "two of one name": (of(AMOUNT, AMOUNT), of(AMOUNT)),
}


@pytest.mark.parametrize("case", FITS)
def test_what_fits(case):
    wanted, live, shows = FITS[case]
    found = fit(wanted, live)
    assert (list(found.wrong), found.unknown, found.shows) == ([], "", shows)


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not(case):
    wanted, live, shows = WRONG[case]
    found = fit(wanted, live)
    assert (list(found.wrong), found.unknown, found.shows) == ([shows], "", shows)


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_cannot_be_told(case):
    found = fit(*UNKNOWN[case])
    words = "inputs differ in a form that is not known"
    assert (list(found.wrong), found.unknown, found.shows) == ([], words, words)


FIELD = st.fixed_dictionaries(
    {"name": st.sampled_from("abc"), "type": st.sampled_from(["long", "double"])},
    optional={"required": st.booleans()},
)
PART = st.lists(FIELD, max_size=3, unique_by=lambda one: one["name"])
ANY = st.fixed_dictionaries({"inputs": PART, "outputs": PART})


@given(ANY)
def test_everything_fits_itself(one):
    assert not fit(one, one).wrong


@given(ANY, ANY, ANY)
def test_what_fits_what_fits_fits(first, second, third):
    """But where one leaves an input out that the third has as another type: none calls that."""
    steps = fit(third, second), fit(second, first)
    skipped = {
        field["name"]
        for part in ("inputs", "outputs")
        for field in first[part]
        if field["name"] not in {one["name"] for one in second[part]}
    }
    added = {field["name"] for part in ("inputs", "outputs") for field in third[part]}
    if not any(step.wrong for step in steps) and not skipped & added:
        assert not fit(third, first).wrong


@pytest.mark.parametrize("case", [*FITS, *WRONG, *UNKNOWN])
async def test_gate_and_rollback_say_the_same(case, tmp_path):
    wanted, live, *_ = {**FITS, **WRONG, **UNKNOWN}[case]
    report = await asked(
        tmp_path, Side(signature=live), Side(signature=wanted), {"kind": "signature"}
    )
    (gate,) = report.rules
    backend = open_registry(tmp_path)
    checked = await check_rollback(session_of(backend), Move("fraud", "champion", 1, 2), live=True)
    await backend.close()
    (found,) = [one for one in checked.verdicts if one.rule == "signature fits 1"]
    assert (found.verdict, found.shows) == (gate.verdict, gate.shows)
