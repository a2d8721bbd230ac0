"""MLflow's own environment as a context: as mlflow's own client understands it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest

from modeldeck.app.config.mlflow_env import names_server, read_environment
from modeldeck.backends.api.errors import ModeldeckError
from tests.mlflow_store import server_python

URI = "MLFLOW_TRACKING_URI"
FILE = "[mlflow]\nmlflow_tracking_username = kept\nmlflow_tracking_password = kept-word\n"


def environment(**given: str) -> dict[str, str]:
    return {"HOME": os.environ["HOME"], URI: "https://host:8443/prefix", **given}


def keep(text: str = FILE) -> Path:
    path = Path(os.environ["HOME"]) / ".mlflow" / "credentials"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def basic(user: str, word: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{word}'.encode()).decode()}"


USER, WORD, TOKEN = (f"MLFLOW_TRACKING_{name}" for name in ("USERNAME", "PASSWORD", "TOKEN"))
# Variables, whether there is a credentials file, what is sent, where it comes from.
WHO = {
    "nothing": ({}, False, None, "none"),
    "user and password": ({USER: "a", WORD: "b"}, False, basic("a", "b"), WORD),
    "a token": ({TOKEN: "t"}, False, "Bearer t", TOKEN),
    "all of them": ({USER: "a", WORD: "b", TOKEN: "t"}, False, basic("a", "b"), WORD),
    "a user alone and a token": ({USER: "a", TOKEN: "t"}, False, "Bearer t", TOKEN),
    "the file": ({}, True, basic("kept", "kept-word"), "file"),
    "the file and a token": ({TOKEN: "t"}, True, basic("kept", "kept-word"), "file"),
    "the file and other variables": ({USER: "a", WORD: "b"}, True, basic("a", "b"), WORD),
    "the file and another user": ({USER: "a"}, True, basic("a", "kept-word"), "file"),
    "the file and another password": ({WORD: "b"}, True, basic("kept", "b"), WORD),
}


@pytest.mark.parametrize("about", WHO)
async def test_who_we_are(about):
    variables, kept, header, where = WHO[about]
    if kept:
        keep()
    named = read_environment(environment(**variables))
    assert await named.credentials.header() == header
    assert named.credentials.describe().partition(" ")[0] == where
    slot = named.context.registry
    assert slot is not None
    assert (slot.type, slot.url) == ("mlflow", "https://host:8443/prefix")
    assert "kept-word" not in repr(named)


ASK = """
import json, os, sys
from mlflow.utils import rest_utils
from mlflow.utils.credentials import get_default_host_creds

sent = []
def seen(method, url, *args, headers=None, verify=None, cert=None, **kwargs):
    sent.append([url, headers.get("Authorization"), verify, cert])
    raise SystemExit
rest_utils._get_http_response_with_retries = seen
known = dict(os.environ)
for variables in json.load(sys.stdin):
    os.environ.clear(); os.environ.update(known | variables)
    try:
        rest_utils.http_request(
            get_default_host_creds(os.environ["MLFLOW_TRACKING_URI"]), "/api", "GET")
    except SystemExit:
        pass
print(json.dumps(sent))
"""
TLS = {
    "as usual": {},
    "nobody is checked": {"MLFLOW_TRACKING_INSECURE_TLS": "TRUE"},
    "checked": {"MLFLOW_TRACKING_INSECURE_TLS": "0"},
    "another authority": {"MLFLOW_TRACKING_SERVER_CERT_PATH": "/ca.pem"},
    "a certificate of ours": {"MLFLOW_TRACKING_CLIENT_CERT_PATH": "/me.pem"},
}


@pytest.mark.real
@pytest.mark.slow
def test_so_does_mlflow_s_own_client():
    python = server_python("3")
    homes = []
    for name, kept in (("with", True), ("without", False)):
        home = Path(os.environ["HOME"]) / name
        (home / ".mlflow").mkdir(parents=True)
        if kept:
            (home / ".mlflow" / "credentials").write_text(FILE, encoding="utf-8")
        homes.append(str(home))
    cases = [
        {"HOME": homes[0 if kept else 1], URI: "https://host:8443/prefix", **variables, **tls}
        for variables, kept, _, _ in WHO.values()
        for tls in TLS.values()
    ]
    done = subprocess.run(
        [python, "-c", ASK], input=json.dumps(cases), capture_output=True, text=True, check=True
    )
    theirs = json.loads(done.stdout.splitlines()[-1])
    assert len(theirs) == len(cases)
    for given, (url, header, verify, cert) in zip(cases, theirs, strict=True):
        named = read_environment(given)
        slot = named.context.registry
        assert slot is not None
        secret = named.credentials._secret
        assert (None if secret is None else secret.header) == header
        assert f"{slot.url}/api" == url
        assert (slot.ca_file or slot.verify) == verify
        assert (slot.client_cert or None) == cert


async def test_a_password_in_the_uri_is_taken_and_shown_nowhere():
    given = environment(**{URI: "https://al%40ice:s3nti%3Anel@host/x", USER: "other", WORD: "o"})
    named = read_environment(given)
    assert await named.credentials.header() == basic("al@ice", "s3nti:nel")
    assert named.context.registry is not None
    assert named.context.registry.url == "https://host/x"
    assert named.context.registry.user == "al@ice"
    assert "s3nti" not in repr(named)
    assert "al%40ice:" not in repr(named)


WRONG = {
    "another registry": ({"MLFLOW_REGISTRY_URI": "https://u:s3ntinel@b"}, "names another server"),
    "a registry in a file": ({"MLFLOW_REGISTRY_URI": "sqlite:///s3ntinel"}, "MLFLOW_REGISTRY_URI"),
    "a plug-in": ({"MLFLOW_TRACKING_AUTH": "s3ntinel"}, "MLFLOW_TRACKING_AUTH: is done by"),
    "a signature": ({"MLFLOW_TRACKING_AWS_SIGV4": "true"}, "MLFLOW_TRACKING_AWS_SIGV4: is done by"),
    "no flag": ({"MLFLOW_TRACKING_INSECURE_TLS": "s3ntinel"}, "is neither true nor false"),
    "two minds": (
        {"MLFLOW_TRACKING_INSECURE_TLS": "1", "MLFLOW_TRACKING_SERVER_CERT_PATH": "/x"},
        "cannot both be set",
    ),
    "half an address": ({URI: "https://u:s3ntinel@[::1"}, "is no URL"),
    "no host": ({URI: "https://u:s3ntinel@"}, "is no URL"),
    "a query": ({URI: "https://host/x?s3ntinel"}, "holds more than host and path"),
    "a token that cannot be sent": ({TOKEN: "s3ntinel\nX-Evil: 1"}, "holds what cannot be sent"),
    "nothing": ({URI: ""}, "MLFLOW_TRACKING_URI is not set"),
}


@pytest.mark.parametrize("about", WRONG)
def test_what_cannot_be_is_said_without_what_is_in_it(about):
    variables, words = WRONG[about]
    with pytest.raises(ModeldeckError) as caught:
        read_environment(environment(**variables))
    assert words in str(caught.value)
    assert "s3ntinel" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["s3ntinel", "[mlflow\ns3ntinel", "\udcff"])
def test_a_credentials_file_that_is_none_is_not_shown(text):
    path = keep("")
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ModeldeckError) as caught:
        read_environment(environment())
    assert str(path) in str(caught.value)
    assert "s3ntinel" not in str(caught.value)


def test_the_same_server_named_twice_is_one():
    given = environment(MLFLOW_REGISTRY_URI="https://u:p@host:8443/prefix", MLFLOW_WORKSPACE="w")
    slot = read_environment(given).context.registry
    assert slot is not None
    assert slot.workspace == "w"


@pytest.mark.parametrize(
    ("uri", "server"),
    [
        ("http://h", True),
        ("HTTPS://h", True),
        ("sqlite:///x", False),
        ("./mlruns", False),
        ("", False),
    ],
)
def test_what_names_a_server(uri, server):
    assert names_server({URI: uri}) is server
