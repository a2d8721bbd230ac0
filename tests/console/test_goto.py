import pytest

from modeldeck.app.console.goto import NOUNS, Goal, address_in, completions, parse_goal, quoted
from modeldeck.backends.api.errors import UsageError

NAMES = {"experiments": ["fraud", "fraud xgb", "a/b", "x=1", " lead"], "models": ["churn"]}


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("runs", Goal("runs")),
        ("r", Goal("runs")),
        ("exp", Goal("experiments")),
        ("mod", Goal("models")),
        ("q", Goal("quit")),
        ("runs exp-7", Goal("runs", "exp-7")),
        ("runs my experiment", Goal("runs", "my experiment")),
        ("runs team/exp /auc", Goal("runs", "team/exp", "auc")),
        ("runs /metrics.auc > 0.9", Goal("runs", "", "metrics.auc > 0.9")),
        (
            "runs exp-7 /metrics.auc > 0.9 team=risk",
            Goal("runs", "exp-7", "metrics.auc > 0.9 and tags.team = risk"),
        ),
        ("runs team=risk", Goal("runs", "", "tags.team = risk")),
        ("runs status=failed", Goal("runs", "", "status = failed")),
        ("runs params.depth=8", Goal("runs", "", "params.depth = 8")),
        ("runs /a or b k=v", Goal("runs", "", "(a or b) and tags.k = v")),
        ("runs /status = failed", Goal("runs", "", "status = failed")),
        ("runs /name=x", Goal("runs", "", "name = x")),
        ('runs "a /b" /c', Goal("runs", "a /b", "c")),
        ("runs owner=a,b", Goal("runs", "", 'tags.owner = "a,b"')),
        ("audit /actor = ada", Goal("audit", "", "actor = ada")),
        ("versions churn", Goal("versions", "churn")),
    ],
)
def test_goals(text, goal):
    assert parse_goal(text) == goal


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rnus", "Did you mean runs?"),
        ("modles x", "Did you mean models?"),
        ("zzz", "One of overview"),
        ("", "go where?"),
        ("m fraud", "`:models /fraud` filters them"),
    ],
)
def test_what_cannot_be_gone_to_says_what_can(text, said):
    with pytest.raises(UsageError) as caught:
        parse_goal(text)
    assert said in str(caught.value)


def test_completions():
    assert completions("ru", NAMES) == ["runs"]
    assert completions("runs fr", NAMES) == ["runs fraud", "runs fraud xgb"]
    assert completions("r fr", NAMES)[0] == "r fraud"
    assert completions("versions ", NAMES) == ["versions churn"]
    assert completions("overview f", NAMES) == []
    assert completions("zzz f", NAMES) == []


@pytest.mark.parametrize(
    "name", ["fraud", "a b", "a /b", "/x", "x=1", '"', 'a "b', "\\", " a ", ""]
)
def test_a_completed_name_is_the_name(name):
    assert parse_goal(f"runs {quoted(name)}").of == name


def test_every_noun_is_its_own_name():
    assert all(parse_goal(noun).noun == noun for noun in NOUNS)


@pytest.mark.parametrize(
    ("text", "goal"),
    [
        ("runs @prod", Goal("runs", context="prod")),
        ("@prod", Goal("overview", context="prod")),
        (
            "runs fraud /metrics.auc > 0.9 team=risk @prod",
            Goal("runs", "fraud", "metrics.auc > 0.9 and tags.team = risk", "prod"),
        ),
        ("audit /subject ~ @champion", Goal("audit", "", "subject ~ @champion")),
        ("ctx", Goal("contexts")),
        ("ctx prod", Goal("contexts", "prod")),
        ('runs "@home"', Goal("runs", "@home")),
    ],
)
def test_goals_in_another_context(text, goal):
    assert parse_goal(text) == goal


def test_contexts_complete():
    names = {**NAMES, "contexts": ["prod", "probe"]}
    assert completions("@pro", names) == ["@prod", "@probe"]
    assert completions("runs fraud @prob", names) == ["runs fraud @probe"]
    assert completions("ctx p", names) == ["ctx prod", "ctx probe"]
    assert parse_goal(f"runs {quoted('a @b')}") == Goal("runs", "a @b")


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("models/tumour/2", "models/tumour/2"),
        (" models/tumour@champion ", "models/tumour@champion"),
        ("prod/runs/3f2a", "prod/runs/3f2a"),
        ("models/a b%2Fc", "models/a b%2Fc"),
        ("runs /metrics.auc > 0.9", None),
        ("runs fraud /a/b", None),
        ("models/", None),
        ("models/tumour/x", None),
        ("a/b", None),
    ],
)
def test_an_address_is_a_place_to_go_to(typed, address):
    found = address_in(typed)
    assert (str(found) if found else None) == address
