"""What is written down of a command line."""

import pytest

from modeldeck.app.recorder.masking import masked


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (["python", "train.py", "--lr", "0.1"], "python train.py --lr 0.1"),
        (["python", "-c", "print('a b')"], """python -c 'print('"'"'a b'"'"')'"""),
        (["x", "--api-key", "abc", "--seed", "3"], "x --api-key *** --seed 3"),
        (["x", "--TOKEN=abc", "db_password=abc", "--secrets-file=f"],
         "x --TOKEN=*** db_password=*** --secrets-file=***"),
        (["x", "--password", "--verbose"], "x --password --verbose"),
        (["x", "--passes", "3", "--max-tokens=9"], "x --passes 3 --max-tokens=9"),
        (["git", "clone", "https://me:pw@host/a"], "git clone 'https://***@host/a'"),
        ([""], "''"),
    ],
)  # fmt: skip
def test_values_called_like_secrets_are_masked(command, text):
    assert masked(command) == text
