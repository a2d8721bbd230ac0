"""A policy: every mistake with its line, its column and the way out."""

from __future__ import annotations

import base64
import textwrap
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.config.policy import Gate, Person, Policy, Trash
from modeldeck.app.config.policy_file import PolicyError, parse_policy
from modeldeck.app.config.public_keys import fingerprint
from modeldeck.app.config.toml_places import nearest, places
from modeldeck.app.usecases.gates.kinds import known_kinds
from modeldeck.backends.api.errors import ModeldeckError, UsageError


def key_line(number: int = 1, name: str = "somebody@host") -> str:
    kind = b"ssh-ed25519"
    blob = len(kind).to_bytes(4) + kind + (32).to_bytes(4) + bytes([number]) * 32
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} {name}"


ONE, TWO = key_line(1), key_line(2)


def parsed(text: str) -> Policy:
    return parse_policy(textwrap.dedent(text), "modeldeck.toml", known_kinds)


def test_a_whole_policy():
    policy = parsed(f"""
        [metrics]
        auc = "higher"
        [environments.prod]
        tier = 1
        [people.rev1]
        keys = ["{ONE}"]
        roles = ["approver", "auditor"]
        logins = ["rev1", "r.one@jump1"]
        revoked = {{ "{fingerprint(ONE)}" = 2026-11-01 }}
        [gates.production]
        for = ["fraud@champion", "*@champion"]
        [[gates.production.rules]]
        kind = "metric"
        metric = "auc"
        at_least = 0.9
        [[gates.production.rules]]
        kind = "freeze"
        windows = [{{ from = 2026-12-20, to = "2027-01-04" }}]
        [[gates.production.rules]]
        kind = "vulnerabilities"
        open = 0
        [trash]
        retention_days = 7
    """)
    assert policy.people == {
        "rev1": Person(
            keys=(ONE,),
            roles=("approver", "auditor"),
            logins=("rev1", "r.one@jump1"),
            revoked={fingerprint(ONE): date(2026, 11, 1)},
        )
    }
    assert policy.trash == Trash(retention_days=7)
    assert policy.directions == {"auc": "higher"}
    gate = policy.gates["production"]
    assert gate.targets == ("fraud@champion", "*@champion")
    assert [rule["kind"] for rule in gate.rules] == ["metric", "freeze", "vulnerabilities"]
    assert gate.rules[1]["windows"] == [{"from": "2026-12-20", "to": "2027-01-04"}]
    assert [name for name, _ in policy.before("fraud", "champion")] == ["production"]
    assert policy.before("fraud", "candidate") == []


def test_a_revoked_key_counts_until_its_day():
    policy = Policy(
        people={"rev1": Person(keys=(ONE, TWO), revoked={fingerprint(ONE): date(2026, 11, 2)})}
    )
    assert policy.person_with(fingerprint(ONE), date(2026, 11, 1)) == "rev1"
    assert policy.person_with(fingerprint(ONE), date(2026, 11, 2)) == ""
    assert policy.person_with(fingerprint(TWO), date(2027, 1, 1)) == "rev1"
    assert policy.person_with("", date(2027, 1, 1)) == ""


def test_a_login_may_name_its_host():
    policy = Policy(
        people={"a": Person(logins=("op1@jump1",)), "b": Person(logins=("op1@jump2", "x"))}
    )
    assert policy.person_named("op1", "jump2") == "b"
    assert policy.person_named("op1", "elsewhere") == ""
    assert policy.person_named("op1") == "a"
    assert policy.person_named("x", "anywhere") == "b"


RULE = '[gates.g]\nfor = ["*@champion"]\n[[gates.g.rules]]\n'
PEOPLE = "[people.rev1]\n"
MISTAKES = {
    "an unknown table": (
        '[metrcs]\na = "higher"\n',
        "1:2",
        "unknown key metrcs",
        "Did you mean metrics?",
    ),
    "a later table mistyped": (
        "[pipelnes.x]\n",
        "1:2",
        "unknown key pipelnes",
        "Did you mean pipelines?",
    ),
    "an unknown key of a person": (
        PEOPLE + 'role = ["x"]\n',
        "2:1",
        "unknown key role",
        "Did you mean roles?",
    ),
    "an unknown key of a gate": (
        '[gates.g]\ntargets = ["*@a"]\n',
        "2:1",
        "unknown key targets",
        "Known: for, rules",
    ),
    "a wrong type": (
        PEOPLE + 'roles = "admin"\n',
        "2:1",
        "people.rev1.roles: Expected `array`, got `str`",
        "",
    ),
    "an unknown role": (
        PEOPLE + 'roles = ["viewer", "approvr"]\n',
        "2:20",
        "Invalid enum value 'approvr'",
        "Did you mean approver?",
    ),
    "a role far from all": (
        PEOPLE + 'roles = ["q"]\n',
        "2:10",
        "Invalid enum value 'q'",
        "Write one of 'viewer'",
    ),
    "people of no table": ("people = 3\n", "1:1", "people: Expected `object`, got `int`", ""),
    "a person of no table": ("[people]\nrev1 = 3\n", "2:1", "people.rev1: Expected a table", ""),
    "a bad date": (
        PEOPLE + 'revoked = {"SHA256:a" = "soon"}\n',
        "2:12",
        "Invalid RFC3339 encoded date",
        "",
    ),
    "no fingerprint": (
        PEOPLE + "revoked = {abc = 2026-01-01}\n",
        "2:12",
        "abc is no fingerprint",
        "ssh-keygen -l",
    ),
    "a bad key": (
        PEOPLE + 'keys = [\n  "ssh-ed25519 AAAA x",\n]\n',
        "3:3",
        "the key of rev1 is cut or changed",
        "`modeldeck key show`",
    ),
    "a key without base64": (
        PEOPLE + 'keys = ["ssh-ed25519 ?? x"]\n',
        "2:9",
        "its middle part is no base64",
        "",
    ),
    "a key that is a word": (PEOPLE + 'keys = ["mine"]\n', "2:9", "is no line of a public key", ""),
    "a private key": (
        PEOPLE + 'keys = ["-----BEGIN OPENSSH PRIVATE KEY-----"]\n',
        "2:9",
        "never a private key",
        "",
    ),
    "a key of a kind that does not count": (
        PEOPLE + 'keys = ["ssh-dss AAAA x"]\n',
        "2:9",
        "has a type that does not count (ssh-dss)",
        "",
    ),
    "a key of two people": (
        f'{PEOPLE}keys = ["{ONE}"]\n[people.rev2]\nkeys = ["{TWO}", "{ONE}"]\n',
        f"4:{13 + len(TWO)}",
        "rev2 and rev1 have the same key",
        "one person alone",
    ),
    "a login of two people": (
        PEOPLE + 'logins = ["a"]\n[people.rev2]\nlogins = ["a"]\n',
        "4:11",
        "rev2 and rev1 have the same login a",
        "",
    ),
    "a gate without targets": (
        '[gates.g]\n[[gates.g.rules]]\nkind = "card"\nfields = ["x"]\n',
        "1:8",
        "the gate g has no for",
        "Write MODEL@ALIAS",
    ),
    "a gate without rules": (
        '[gates.g]\nfor = ["*@a"]\n',
        "1:8",
        "the gate g has no rules",
        "[[gates.NAME.rules]]",
    ),
    "a bad pattern": (
        '[gates.g]\nfor = ["*@a", "champion"]\n[[gates.g.rules]]\nkind = "card"\nfields = ["x"]\n',
        "2:15",
        "'champion' is no pattern of aliases",
        "Write MODEL@ALIAS",
    ),
    "an open bracket": (
        '[gates.g]\nfor = ["[a@b"]\n[[gates.g.rules]]\nkind = "card"\nfields = ["x"]\n',
        "2:8",
        "is no pattern of aliases",
        "",
    ),
    "a rule without a kind": (
        RULE + 'metric = "auc"\n',
        "3:3",
        "a rule needs a kind",
        "Known: metric, samples",
    ),
    "a kind mistyped": (
        RULE + 'kind = "metrics"\n',
        "4:1",
        "unknown kind of rule 'metrics'",
        "Did you mean metric?",
    ),
    "another kind mistyped": (
        RULE + 'kind = "aproval"\n',
        "4:1",
        "unknown kind of rule",
        "Did you mean approvals?",
    ),
    "an unknown key of a rule": (
        RULE + 'kind = "metric"\nmetric = "auc"\nat_last = 1\n',
        "6:1",
        "unknown key at_last",
        "Did you mean at_least?",
    ),
    "the second rule": (
        RULE
        + 'kind = "card"\nfields = ["x"]\n\n  [[gates.g.rules]]\n  kind = "card"\n  fields = [1]\n',
        "9:13",
        "Expected `str`, got `int`",
        "",
    ),
    "a key that is missing": (
        RULE + 'kind = "metric"\nat_least = 1\n',
        "3:3",
        "gates.g.rules[1]: needs metric",
        "",
    ),
    "a wrong type in a rule": (
        RULE + 'kind = "metric"\nmetric = "auc"\nat_least = "high"\n',
        "6:1",
        "at_least: Expected `float",
        "",
    ),
    "no finite number": (
        RULE + 'kind = "metric"\nmetric = "auc"\nat_least = nan\n',
        "6:1",
        "is no finite number",
        "",
    ),
    "a rule that asks nothing": (
        RULE + 'kind = "metric"\nmetric = "auc"\n',
        "3:3",
        "it asks for nothing",
        "Add at_least",
    ),
    "a bad window": (
        RULE + 'kind = "freeze"\nwindows = [{from="2026-12-20", to="2027-13-04"}]\n',
        "5:32",
        "'2027-13-04' is no date or time",
        "Write",
    ),
    "a window backwards": (
        RULE + 'kind = "freeze"\nwindows = [{from="2026-12-20", to="2026-12-19"}]\n',
        "5:12",
        "the window ends before it begins",
        "",
    ),
    "a window without an end": (
        RULE + 'kind = "freeze"\nwindows = [{from="2026-12-20"}]\n',
        "5:12",
        "needs to",
        "",
    ),
    "a bad week": (
        RULE + 'kind = "freeze"\nweekly = ["fri 16:00-mon 08:00", "fri-mon"]\n',
        "5:34",
        "'fri-mon' is no window of a week",
        "Write",
    ),
    "a bad zone": (
        RULE + 'kind = "freeze"\nweekly = ["fri 16:00-mon 08:00"]\nzone = "Europe/Berln"\n',
        "6:1",
        "'Europe/Berln' is no time zone",
        "IANA",
    ),
    "a zone that is a path": (
        RULE + 'kind = "freeze"\nweekly = ["fri 16:00-mon 08:00"]\nzone = "../../etc/passwd"\n',
        "6:1",
        "is no time zone",
        "",
    ),
    "a bad expression": (
        RULE + 'kind = "ticket"\npattern = "CHG("\n',
        "5:1",
        "is no regular expression",
        "Write one such as",
    ),
    "an expression without end": (
        RULE + 'kind = "ticket"\npattern = "(a+)+"\n',
        "5:1",
        "it could take for ever",
        "",
    ),
    "a check without the ticket": (
        RULE + 'kind = "ticket"\ncheck = ["true"]\n',
        "5:1",
        "no argument of check is {ticket}",
        "",
    ),
    "a test that does not fit": (
        RULE + 'kind = "paired"\nmetric = "auc"\ntest = "mcnemar"\n',
        "6:1",
        "mcnemar does not fit auc",
        "Write delong",
    ),
    "a test that is none": (
        RULE + 'kind = "paired"\nmetric = "auc"\ntest = "wilcoxon"\n',
        "6:1",
        "Invalid enum value",
        "Write one of 'auto'",
    ),
    "a metric without rows": (
        RULE + 'kind = "paired"\nmetric = "gini"\n',
        "5:1",
        "gini cannot be computed from rows",
        "Known: accuracy",
    ),
    "no approvals": (RULE + 'kind = "approvals"\ncount = 0\n', "5:1", "count is below 1", ""),
    "a role of approvals": (
        RULE + 'kind = "approvals"\nroles = ["boss"]\n',
        "5:10",
        "Invalid enum value 'boss'",
        "Write one of",
    ),
    "a direction": (
        '[metrics]\nloss = "lower"\n"val/auc" = "up"\n',
        "3:1",
        "metrics.val/auc: Invalid enum value",
        "Write one of 'higher'",
    ),
    "no time for the trash": ("[trash]\nretention_days = -1\n", "2:1", "is not between 0 and", ""),
    "an inline table": (
        'gates = {g = {for = ["*@a"], rules = [{kind = "card"}]}}\n',
        "1:39",
        "gates.g.rules[1]: needs fields",
        "",
    ),
    "a dotted key": (
        'gates.g.for = ["*@a"]\ngates.g.ruls = []\n',
        "2:9",
        "unknown key ruls",
        "Did you mean rules?",
    ),
}


@pytest.mark.parametrize("about", MISTAKES)
def test_a_mistake_has_line_column_and_a_way_out(about):
    text, where, words, way_out = MISTAKES[about]
    with pytest.raises(PolicyError) as caught:
        parse_policy(text, "main:modeldeck.toml", known_kinds)
    assert caught.value.where == f"main:modeldeck.toml:{where}", caught.value
    assert words in caught.value.what
    assert way_out in caught.value.way_out
    assert caught.value.exit_code == 2


def test_what_is_no_toml_has_line_and_column():
    with pytest.raises(UsageError, match="is not TOML") as caught:
        parsed("[people.x]\n roles = \n")
    assert caught.value.where == "modeldeck.toml:2:10"
    with pytest.raises(UsageError, match="is not TOML"):
        parsed("a = " + "[" * 5000)


def test_all_mistakes_are_told_in_order():
    with pytest.raises(PolicyError) as caught:
        parsed('[trash]\nretention_days = "x"\n[people.a]\nroles = ["boss"]\nkees = []\n')
    assert [mistake[:2] for mistake in caught.value.mistakes] == [(2, 1), (4, 10), (5, 1)]
    assert (
        "Also wrong: 4:10 people.a.roles[1]: Invalid enum value 'boss'; 5:1 unknown key kees"
        in str(caught.value)
    )


def test_a_kind_that_nobody_knows_is_kept():
    policy = parsed(RULE + 'kind = "license_scan"\nlevels = [1, {x = 2026-01-01}]\n')
    assert policy.gates["g"].rules == (
        {"kind": "license_scan", "levels": [1, {"x": "2026-01-01"}]},
    )


def test_kinds_are_not_asked_for_without_gates():
    def never():
        raise AssertionError

    assert parse_policy('[people.a]\nroles = ["admin"]\n', "x", never).people.keys() == {"a"}


def test_patterns_are_of_model_and_alias():
    gate = Gate(targets=("fraud-*@champion", "churn@[cp]*"))
    assert gate.stands_before("fraud-eu", "champion")
    assert gate.stands_before("churn", "prod")
    assert not gate.stands_before("churn", "test")
    assert not gate.stands_before("Fraud-eu", "champion")


PLACES = '''\
# a head
top = 1
"quoted key" = """text
with [x] = 3 in it""" # done
[ a . "b.c" ]
  deep = { x = 1, y = [ { z = 'q' }, 2 ] }
[[list]]
n = [
  1, # one
  2,
]
[[list]]
[list.sub]
k = 2026-01-01 10:00:00
'''


def test_places_of_all_forms():
    found = places(PLACES)
    assert found["top",] == (2, 1)
    assert found["quoted key",] == (3, 1)
    assert found["a",] == (5, 3)
    assert found["a", "b.c"] == (5, 7)
    assert found["a", "b.c", "deep", "y", 0, "z"] == (6, 27)
    assert found["a", "b.c", "deep", "y", 1] == (6, 38)
    assert found["list", 0, "n", 1] == (10, 3)
    assert found["list", 1] == (12, 3)
    assert found["list", 1, "sub", "k"] == (14, 1)
    assert nearest(found, ("list", 1, "sub", "none")) == (13, 7)
    assert nearest(found, ("nowhere",)) == (1, 1)


def test_places_of_what_is_deep_or_broken_are_no_error():
    assert places("x = " + "[" * 10_000)["x",] == (1, 1)
    assert places("x = {y = ") == {("x",): (1, 1), ("x", "y"): (1, 6)}


@given(st.text(max_size=200))
def test_any_text_is_a_policy_or_refused_with_its_place(text):
    wrong = None
    try:
        parse_policy(text, "f.toml", known_kinds)
    except ModeldeckError as error:
        wrong = error
    assert wrong is None or wrong.where.startswith("f.toml")


WORDS = st.sampled_from(
    ["people", "gates", "g", "rules", "kind", "metric", "for", "metrics", "roles", "trash", "x y"]
)
TREES = st.recursive(
    st.one_of(
        st.booleans(), st.integers(-5, 5), st.floats(), st.sampled_from(["metric", "freeze"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=12,
)


def written(tree: object) -> str:
    """A tree as an inline value of TOML."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f'"{key}" = {written(one)}' for key, one in tree.items()) + "}"
    if isinstance(tree, list):
        return f"[{', '.join(map(written, tree))}]"
    if isinstance(tree, bool):
        return str(tree).lower()
    return f'"{tree}"' if isinstance(tree, str) else repr(tree)


@given(st.dictionaries(WORDS, TREES, max_size=3))
def test_any_tree_is_a_policy_or_refused_at_a_key_that_is_there(tree):
    text = "".join(f'"{key}" = {written(one)}\n' for key, one in tree.items())
    wrong = None
    try:
        parse_policy(text, "f.toml", known_kinds)
    except PolicyError as error:
        wrong = error
    if wrong is not None:
        lines = text.splitlines()
        assert all(
            0 < row <= len(lines) and 0 < at <= len(lines[row - 1])
            for row, at, *_ in wrong.mistakes
        )
