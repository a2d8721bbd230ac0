"""Names by a few letters: the order that a person expects, and the law of what fits."""

from hypothesis import given
from hypothesis import strategies as st

from modeldeck.app.console.fuzzy import best, score

NAMES = [
    "fraud-detection",
    "offline-recall-audit",
    "fraud",
    "credit_fraud_v2",
    "churn",
    "ForestDepth",
]


def named(wanted):
    return [NAMES[number] for number in best(wanted, NAMES, 10)]


def test_the_beginning_of_words_and_letters_together_come_first():
    assert named("fraud")[:3] == ["fraud", "fraud-detection", "credit_fraud_v2"]
    assert named("fd")[:2] == ["ForestDepth", "fraud-detection"]
    assert named("ora") == ["offline-recall-audit"]
    assert named("cf v2") == ["credit_fraud_v2"]
    assert named("zzz") == []
    assert named("F") == ["ForestDepth"]


def test_only_as_many_as_are_wanted():
    assert len(best("r", NAMES, 2)) == 2
    assert list(best("", NAMES, 3)) == [2, 4, 5]


letters = st.text(max_size=30)


@given(letters, letters)
def test_it_fits_when_its_letters_come_in_order(wanted, text):
    lowered = text.lower()
    where = text if wanted != wanted.lower() or len(lowered) != len(text) else lowered
    rest = iter(where)
    assert (score(wanted, text) is not None) == all(char in rest for char in wanted)


@given(letters.filter(bool))
def test_nothing_fits_better_than_itself(text):
    own = score(text, text)
    assert own is not None
    longer = score(text, f"zz{text}")
    assert longer is None or longer <= own
