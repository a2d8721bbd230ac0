"""What is taken for a secret by its name, and how it is kept out of what leaves."""

import base64

import pytest

from modeldeck.app.config import redaction
from modeldeck.app.config.redaction import masked_side, masked_value, names_secret, redact
from modeldeck.app.config.secrets import Secret

SECRET = [
    "password", "db_password", "DB_PASSWORD", "dbPassword", "tag:password", "token", "HF_TOKEN",
    "hfToken", "access-token", "api_key", "apiKey", "APIKEY", "AWS_SECRET_ACCESS_KEY",
    "secret_name", "gcp.credentials", "authorization", "ssh.private_key", "params.token",
]  # fmt: skip
OPEN = [
    "", "***", "depth", "pad_token", "eos_token", "max_token", "max_tokens", "tokens", "tokenizer",
    "num_token", "decoder_start_token", "key", "primary_key", "sort_key", "label_key", "keyword",
    "passes", "secretary", "compass", "モデル",
]  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_held(monkeypatch):
    monkeypatch.setattr(redaction, "_held", set())


@pytest.mark.parametrize("name", SECRET)
def test_a_value_under_a_secret_name_is_masked(name):
    assert names_secret(name)
    assert masked_value(name, "hunter2") == "***"
    assert masked_value(name, "") == "", "that there is none is no secret"


@pytest.mark.parametrize("name", OPEN)
def test_what_a_model_calls_so_stays(name):
    assert not names_secret(name)
    assert masked_value(name, "hunter2") == "hunter2"


def test_who_one_is_to_a_server_is_masked_in_any_value():
    assert masked_value("remote", "https://me:pw@git.example/a") == "https://***@git.example/a"


def test_masked_values_side_by_side_differ_where_the_values_do():
    assert masked_side("token", ["a", "b", None, "a"]) == ["*** 1", "*** 2", None, "*** 1"]
    assert masked_side("token", ["a", "a", ""]) == ["***", "***", ""]
    assert masked_side("depth", ["3", None]) == ["3", None]


FORMS = [
    "x{}y",
    "GET https://{}@host/a",
    "https://user:{}@host/a",
    "password={}",
    "--token={} --seed 3",
    '{{"api_key": "{}"}}',
    "Authorization: Bearer {}",
]


@pytest.mark.parametrize("form", FORMS)
def test_a_known_secret_is_in_no_report(form):
    Secret("s3cr&t-v@lue<1>")
    text = redact(form.format("s3cr&t-v@lue<1>"))
    assert "s3cr" not in text
    assert "***" in text


@pytest.mark.parametrize("form", FORMS[1:-1])
def test_one_that_only_looks_so_neither(form):
    assert "hunter22" not in redact(form.format("hunter22"))
    assert "AbCdEf0123456789x" not in redact("Bearer AbCdEf0123456789x")


@pytest.mark.parametrize("carry", [
    lambda secret: base64.b64encode(f"ada:{secret}".encode()).decode(),
    lambda secret: base64.b64encode(secret.encode()).decode(),
    lambda secret: secret.replace("&", "&amp;").replace("<", "&lt;"),
    lambda secret: secret.replace("&", "%26").replace("<", "%3C").replace(" ", "%20"),
])  # fmt: skip
def test_nor_as_something_else_carries_it(carry):
    Secret("p&ss<word 9", "ada")
    assert redact(f"({carry('p&ss<word 9')})") == "(***)"


def test_the_environment_is_known(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "from-the-environment")
    assert redact("sent from-the-environment") == "sent ***"


def test_where_one_is_is_no_secret(monkeypatch):
    for name in ("PWD", "OLDPWD"):
        monkeypatch.setenv(name, "/home/ana/fraud")
    assert redact("/home/ana/fraud/model.skops") == "/home/ana/fraud/model.skops"


def test_prose_that_holds_nothing_of_the_kind_stays():
    text = "the password is asked for; pad_token=0, basic usage: see https://host/a?page=2"
    assert redact(text) == text
