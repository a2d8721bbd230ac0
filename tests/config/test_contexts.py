"""Contexts in config.toml: what may stand there, and what the machine's own file holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from modeldeck.app.config import settings
from modeldeck.app.config.contexts import Context, Slot
from modeldeck.app.config.settings import read_settings
from modeldeck.backends.api.errors import ModeldeckError

HEAD = '[contexts.prod.registry]\ntype = "mlflow"\nurl = "https://x"\n'
WRONG = {
    "a mistyped context key": (
        "[contexts.prod]\nprotectd = true\n",
        ":2: unknown key contexts.prod.protectd. Did you mean protected?",
    ),
    "a mistyped slot": (
        '\n[contexts.prod.registri]\ntype = "mlflow"\n',
        ":2: unknown key contexts.prod.registri. Did you mean registry?",
    ),
    "a mistyped slot key": (
        f'{HEAD}worksapce = "x"\n',
        ":4: unknown key contexts.prod.registry.worksapce. Did you mean workspace?",
    ),
    "a wrong type": (f"{HEAD}deadline = true\n", ":4: contexts.prod.registry.deadline: Expected"),
    "a wrong choice": (
        f'{HEAD}auth = "basik"\n',
        ":4: contexts.prod.registry.auth: Invalid enum value 'basik'. Write one of '', 'none'",
    ),
    "a slot that is no table": ("[contexts.prod]\nregistry = 3\n", ":2: contexts.prod.registry: "),
    "a context that is no table": ("[contexts]\nprod = 3\n", ":2: contexts.prod: Expected"),
    "the second of two": (
        f'{HEAD}\n[contexts.dev.registry]\ntype = "mlflow"\nurl = "https://y"\nverify = 1\n',
        ":8: contexts.dev.registry.verify: Expected `bool`",
    ),
    "an inline one": (
        'contexts = {prod = {registry = {type = "mlflow", url = "ftp://x"}}}\n',
        ":1: contexts.prod.registry.url: is neither http:// nor https://",
    ),
    "no type": (
        '[contexts.prod.registry]\nurl = "https://x"\n',
        ":1: contexts.prod.registry: says",
    ),
    "no url": (
        '[contexts.prod.registry]\ntype = "mlflow"\n',
        ":1: contexts.prod.registry: says no",
    ),
    "a local one without a path": (
        '[contexts.prod.registry]\ntype = "local"\n',
        ":1: contexts.prod.registry: says no path",
    ),
    "records on a server": (
        f'{HEAD}[contexts.prod.records]\ntype = "mlflow"\nurl = "https://x"\n',
        ":5: contexts.prod.records.type: records are kept in a local registry",
    ),
    "a relative file": (
        f'{HEAD}ca_file = "ca.pem"\n',
        ":4: contexts.prod.registry.ca_file: is not",
    ),
    "a key without its certificate": (
        f'{HEAD}client_key = "/k"\n',
        ":4: contexts.prod.registry.cl",
    ),
    "a deadline of no length": (f"{HEAD}deadline = 0\n", ":4: contexts.prod.registry.deadline: is"),
    "a deadline of nan": (f"{HEAD}deadline = nan\n", ":4: contexts.prod.registry.deadline: is"),
    "a name that leaves the folder": (
        '[contexts."../x".registry]\ntype = "mlflow"\nurl = "https://x"\n',
        ":1: contexts.../x: '../x' cannot name a context",
    ),
    "the name of MLflow's own": (
        '[contexts.env.registry]\ntype = "mlflow"\nurl = "https://x"\n',
        ":1: contexts.env: 'env' is the context of MLflow's own environment",
    ),
    "a name that begins an address": (
        '[contexts.models.registry]\ntype = "mlflow"\nurl = "https://x"\n',
        "'models' begins an address",
    ),
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    mine, system = tmp_path / "config.toml", tmp_path / "system.toml"
    monkeypatch.setenv("MODELDECK_CONFIG", str(mine))
    monkeypatch.setattr(settings, "system_config_file", lambda: system)
    return mine, system


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("about", WRONG)
def test_what_does_not_fit_is_named_with_its_line(files, about):
    text, words = WRONG[about]
    write(files[0], text)
    with pytest.raises(ModeldeckError) as caught:
        read_settings()
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith(f"{files[0]}:")
    assert words in str(caught.value)


SECRET = "s3ntinel"
HOLDING = {
    "user and password": f"https://alice:{SECRET}@host/x",
    "a user": f"https://{SECRET}@host",
    "an encoded one": f"https://a:{SECRET}%40@host",
    "a query": f"https://host/x?token={SECRET}",
    "a fragment": f"https://host/x#{SECRET}",
    "no scheme": f"alice:{SECRET}@host",
    "another scheme": f"postgresql://alice:{SECRET}@host/db",
    "a space": f"https://host/ {SECRET}",
    "a backslash": f"https://host\\@{SECRET}",
    "half an address": f"https://[::1/{SECRET}",
    "a port that is none": f"https://host:{SECRET}",
    "a letter that normalises to a slash": f"https://ho℀st:{SECRET}@x",
}


@pytest.mark.parametrize("about", HOLDING)
@pytest.mark.parametrize("key", ["url", "proxy"])
def test_a_url_that_holds_a_secret_is_refused_and_never_shown(files, about, key):
    good = '"https://host"'
    url, proxy = (f"'{HOLDING[about]}'", good) if key == "url" else (good, f"'{HOLDING[about]}'")
    write(
        files[0],
        f'[contexts.prod.registry]\ntype = "mlflow"\nurl = {url}\nproxy = {proxy}\n',
    )
    with pytest.raises(ModeldeckError) as caught:
        read_settings()
    assert f"contexts.prod.registry.{key}: " in str(caught.value)
    assert SECRET not in f"{caught.value!r} {caught.value} {caught.value.__context__!r}"
    if "@" in HOLDING[about] and about in {"user and password", "a user", "an encoded one"}:
        way_out = {"url": "`modeldeck login` keeps it", "proxy": "HTTPS_PROXY"}[key]
        assert way_out in str(caught.value)


@pytest.mark.parametrize("key", ["password", "token", "secret"])
def test_a_secret_in_the_file_is_refused_and_never_shown(files, key):
    write(files[0], f'{HEAD}{key} = "{SECRET}"\n')
    with pytest.raises(ModeldeckError, match="`modeldeck login` keeps it") as caught:
        read_settings()
    assert SECRET not in str(caught.value)


def test_all_of_a_slot_is_read(files):
    write(
        files[0],
        'context = "prod"\n[contexts.prod]\nprotected = true\n[contexts.prod.registry]\n'
        'type = "mlflow"\nurl = "https://h:8443/prefix"\nworkspace = "risk"\nauth = "basic"\n'
        'user = "alice"\ncredential_command = ["pass", "show"]\ncredential_env = "T"\n'
        'credential_file = "~/t"\nca_file = "/ca"\nclient_cert = "/c"\nclient_key = "/k"\n'
        'proxy = "http://p:1"\nverify = false\ndeadline = 3\ncache = "disk"\n'
        "[contexts.prod.registry.options]\nregion = 3\n"
        '[contexts.prod.records]\ntype = "local"\npath = "~/records"\n'
        '[contexts.prod.telemetry]\ntype = "prometheus"\nurl = "http://p"\n',
    )
    found = read_settings()
    assert found.context == "prod"
    context = found.contexts["prod"]
    assert [name for name, _ in context.slots()] == ["registry", "records", "telemetry"]
    assert (context.protected, context.readonly) == (True, False)
    assert context.registry == Slot(
        type="mlflow",
        url="https://h:8443/prefix",
        workspace="risk",
        auth="basic",
        user="alice",
        credential_command=("pass", "show"),
        credential_env="T",
        credential_file="~/t",
        ca_file="/ca",
        client_cert="/c",
        client_key="/k",
        proxy="http://p:1",
        verify=False,
        deadline=3.0,
        cache="disk",
        options={"region": 3},
    )


SYSTEM = (
    "[contexts.prod]\nprotected = true\nreadonly = true\n[contexts.prod.registry]\n"
    'type = "mlflow"\nurl = "https://real"\nca_file = "/ca.pem"\n'
)
LOOSER = {
    "another server": ('url = "https://mine"', "url"),
    "nobody checked": ("verify = false", "verify"),
    "another authority": ('ca_file = "/mine.pem"', "ca_file"),
    "a proxy": ('proxy = "http://p"', "proxy"),
    "another adapter": ('type = "local"\npath = "/x"', "type"),
}


@pytest.mark.parametrize("about", LOOSER)
def test_a_context_of_the_machine_cannot_be_made_another(files, about):
    mine, system = files
    write(system, SYSTEM)
    write(mine, f"[contexts.prod.registry]\n{LOOSER[about][0]}\n")
    with pytest.raises(ModeldeckError, match="the machine's own file says what prod is") as caught:
        read_settings()
    assert f":2: contexts.prod.registry.{LOOSER[about][1]}" in str(caught.value)


def test_nor_loosened_but_who_the_user_is_can_be_added(files):
    mine, system = files
    write(system, SYSTEM)
    write(
        mine,
        "[contexts.prod]\nprotected = false\nreadonly = false\n"
        '[contexts.prod.registry]\nuser = "alice"\ncredential_command = ["pass"]\n',
    )
    prod = read_settings().contexts["prod"]
    assert (prod.protected, prod.readonly) == (True, True)
    assert prod.registry == Slot(
        type="mlflow",
        url="https://real",
        ca_file="/ca.pem",
        user="alice",
        credential_command=("pass",),
    )


def test_who_the_machine_says_the_user_is_stays(files):
    mine, system = files
    write(system, f'{SYSTEM}credential_command = ["vault"]\n')
    write(mine, '[contexts.prod.registry]\ncredential_command = ["mine"]\n')
    slot = read_settings().contexts["prod"].registry
    assert slot is not None
    assert slot.credential_command == ("vault",)


def test_a_context_of_the_machine_can_be_made_stricter(files):
    mine, system = files
    write(system, SYSTEM.replace("true", "false"))
    write(mine, "[contexts.prod]\nreadonly = true\n")
    prod = read_settings().contexts["prod"]
    assert (prod.protected, prod.readonly) == (False, True)


@pytest.mark.parametrize(
    "url", ["https://real", "https://REAL/", "https://real:443", "http://real:443"]
)
def test_another_name_for_the_same_server_is_no_way_around(files, url):
    mine, system = files
    write(system, SYSTEM)
    write(mine, f'[contexts.other.registry]\ntype = "mlflow"\nurl = "{url}"\n')
    other = read_settings().contexts["other"]
    assert (other.protected, other.readonly) == (True, True)
    write(mine, '[contexts.other.registry]\ntype = "mlflow"\nurl = "https://real/b"\n')
    assert read_settings().contexts["other"] == Context(
        registry=Slot(type="mlflow", url="https://real/b")
    )


def test_the_machine_chooses_the_context_for_all(files):
    mine, system = files
    write(system, f'context = "prod"\n{SYSTEM}')
    write(mine, f'context = "dev"\n{HEAD.replace("prod", "dev")}')
    found = read_settings()
    assert found.context == "prod"
    assert set(found.contexts) == {"prod", "dev"}


def test_what_is_wrong_in_the_machine_s_own_file_is_said(files):
    write(files[1], '[contexts.prod.registry]\ntype = "mlflow"\n')
    with pytest.raises(ModeldeckError) as caught:
        read_settings()
    assert str(caught.value).startswith(f"{files[1]}:1: contexts.prod.registry: says no url")
