"""Names, texts and numbers in MLflow's filter grammar."""

import pytest

from modeldeck.backends.mlflow import grammar


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("plain", "'plain'"),
        ("it's", '"it\'s"'),
        ('say "x"', "'say \"x\"'"),
        ("a ; b -- c", "'a ; b -- c'"),
        ("Größe 模型 🦊", "'Größe 模型 🦊'"),
        ("", "''"),
        ("both ' and \"", None),
        ("back\\slash", None),
        ("line\nbreak", None),
        ("escape \x1b[31m", None),
        ("x" * 1001, None),
    ],
)
def test_a_text_in_quotes_or_not_said_at_all(value, said):
    assert grammar.text(value) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("auc", "metrics.`auc`"),
        ("train/loss 2", "metrics.`train/loss 2`"),
        ("a.b-c", "metrics.`a.b-c`"),
        ("back`tick", None),
        ('quo"te', None),
        (" padded", None),
        ("", None),
        ("tab\t", None),
    ],
)
def test_a_key_in_backticks_or_not_said_at_all(name, said):
    assert grammar.key("metrics", name) == said


def test_numbers_are_said_with_all_their_digits_or_not_at_all():
    assert grammar.number(0.1 + 0.2) == "0.30000000000000004"
    assert grammar.number(5) == "5.0"
    assert grammar.number(-1e308) == "-1e308"  # a plus would be read as an addition
    for odd in (float("nan"), float("inf"), float("-inf")):
        assert grammar.number(odd) is None


@pytest.mark.parametrize(
    ("wanted", "like", "exact"),
    [
        ("xgb", "'%xgb%'", True),
        (r"xgb\.json", "'%xgb.json%'", True),
        ("50%_x", "'%50%_x%'", False),  # % and _ fit more than themselves
        ("Größe", "'%Gr%%e%'", False),  # databases fold other letters as they like
        ("kö", "'%%%%'", False),  # and Python takes k for a Kelvin sign beside them
        ("^xgb", None, False),
        ("a|b", None, False),
    ],
)
def test_what_is_found_in_a_text_as_a_pattern(wanted, like, exact):
    assert grammar.found_in(wanted) == (like, exact)


def test_ids_are_listed_in_one_kind_of_quotes():
    assert grammar.texts(["a", "b"]) == "('a', 'b')"
    assert grammar.texts(["a", "it's"]) is None
    assert grammar.texts([]) is None
