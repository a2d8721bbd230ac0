"""A dossier: what was live, by whom, on what evidence, with proofs; the same facts in all forms."""

from __future__ import annotations

import html
import json
import re
import shutil
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from modeldeck.app.cli.dossier_forms import _markdown, as_html, as_markdown
from modeldeck.app.cli.dossier_parts import Block, Part
from modeldeck.app.usecases import encode
from modeldeck.app.usecases.dossier import dossier
from modeldeck.app.usecases.plans import apply_plan
from modeldeck.app.usecases.shelf import plan_shelf
from modeldeck.app.usecases.texts import plan_card
from modeldeck.app.usecases.timeline import moves
from modeldeck.backends.api import address
from modeldeck.backends.api.errors import NotFoundError
from modeldeck.backends.api.statements import APPROVAL, REQUEST, Signed, Statement
from modeldeck.backends.tlog.checkpoint import read_checkpoint
from modeldeck.backends.tlog.merkle import leaf_hash
from modeldeck.backends.tlog.note import Ed25519Signer
from modeldeck.backends.tlog.proof import proven, read_proof
from modeldeck.widgets.text import show, show_lines
from tests.console.dump import NOW, session_of
from tests.console.releases import HOSTILE, make
from tests.console.timelines import EVIDENCE, past
from tests.usecases.project import refused

INSTANT = NOW + timedelta(seconds=30)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("past"))


@pytest.fixture
async def session(made, tmp_path):
    session = session_of(shutil.copytree(made, tmp_path / ".modeldeck"))
    yield session
    await session.registry.close()


class Words:
    """Statements in memory."""

    def __init__(self, *signed: Signed) -> None:
        self.signed = signed

    async def statements(self, kinds: Any = (), subject: str = "") -> Any:
        return [one for one in self.signed if one.statement.subject == subject]


def word(kind: str, number: str, at, **body: Any) -> Signed:
    said = Statement(
        kind=kind,
        subject=address.version("fraud", 3),
        digest="sha256:99",
        time=at,
        body={"target": "fraud@champion", **body},
    )
    return Signed(id=number * 32, statement=said, key="SHA256:Zz", person="rev1", valid=True)


def live(document: dict[str, Any], alias: str) -> dict[str, Any]:
    (found,) = [one for one in document["live"] if one["alias"] == alias]
    return found


async def test_what_was_live_with_its_facts(session):
    found = await dossier(session, "fraud", INSTANT)
    champion = live(found, "champion")
    assert champion["version"] == 2
    assert champion["put_there"]["who"] == "ada"
    assert champion["put_there"]["reason"] == "retrain week 47, auc +.0011"
    assert champion["put_there"]["ticket"] == "CHG0412"
    assert champion["facts"]["digest"].startswith("sha256:")
    assert champion["run"]["metrics"] == {"auc": 0.9312, "logloss": 0.2104}
    assert champion["datasets"][0]["digest"] == "sha256:aa77aa"
    assert champion["lock"]["packages"][0] == "numpy 2.1.3"
    assert found["since"] == []


async def test_the_same_registry_and_instant_give_the_same_bytes(session):
    one = encode.one(await dossier(session, "fraud", INSTANT))
    later = msgspec.structs.replace(session, clock=lambda: NOW + timedelta(days=9))
    assert encode.one(await dossier(later, "fraud", INSTANT)) == one


async def test_the_card_is_the_one_of_then(session):
    before = INSTANT
    session.registry.clock = lambda: NOW + timedelta(minutes=1)
    await apply_plan(session, await plan_card(session, "fraud", 2, "another"))
    found = live(await dossier(session, "fraud", before), "champion")
    assert found["card"]["text"].startswith("# fraud 2")
    assert found["card"]["as_of"].startswith("as event")
    later = NOW + timedelta(minutes=2)
    found = live(await dossier(session, "fraud", later), "champion")
    assert (found["card"]["text"], found["card"]["as_of"][:8]) == ("another", "as event")
    document = await dossier(session, "fraud", before)
    assert [one["what"] for one in document["since"]] == ["v2 card edited"]


async def test_what_was_made_later_or_is_gone_is_another_one(session):
    instant = NOW - timedelta(days=1)
    found = await dossier(session, "fraud", instant)
    assert found["live"] == []
    assert {one["state"] for one in found["aliases"]} == {"before"}
    assert len(found["since"]) == 7
    await refused(NotFoundError, lambda: dossier(session, "nobody", INSTANT))


async def test_what_is_deleted_by_then_says_so(session):
    lane = await moves(session, "fraud", "candidate")
    session.registry.clock = lambda: NOW + timedelta(minutes=1)
    from modeldeck.app.usecases.aliases import plan_remove

    await apply_plan(session, await plan_remove(session, "fraud", "candidate"))
    session.registry.clock = lambda: NOW + timedelta(minutes=2)
    await apply_plan(session, await plan_shelf(session, "version", ["fraud/3"], delete=True))
    found = live(await dossier(session, "fraud", INSTANT), "candidate")
    assert found["deleted_by"] is None
    assert found["put_there"]["seq"] == lane[0].seq
    assert found["taken_away"]["what"] == "3 -> none"


async def test_evidence_and_signed_words_of_a_server_with_a_past(made, tmp_path):
    there = Path(shutil.copytree(made, tmp_path / "there" / ".modeldeck"))
    async with past(there, tmp_path / "records") as (session, _):
        instant = NOW - timedelta(days=1, hours=2)
        words = Words(
            word(REQUEST, "1a", instant - timedelta(hours=3)),
            word(APPROVAL, "5f", instant - timedelta(hours=2), evidence="sha256:root"),
            word(APPROVAL, "7c", instant + timedelta(hours=1)),
            word(APPROVAL, "8d", instant - timedelta(hours=1), target="fraud@other"),
        )
        session = msgspec.structs.replace(session, statements=words)
        document = await dossier(session, "fraud", instant)
        found = live(document, "champion")
        assert found["put_there"]["who"] == "op2 as root"
        assert [gate["shows"] for gate in found["gates"]] == [
            gate["shows"] for gate in EVIDENCE["gates"]
        ]
        assert found["put_there"]["policy"]["commit"] == "a1b2c3d4e5f6"
        said = [(one["id"][:2], one["cited"]) for one in found["statements"]]
        assert said == [("1a", False), ("5f", True)]
        assert found["statements"][1]["evidence"] == "sha256:root"
        assert found["taken_away"]["who"] == "OUTSIDE"
        between = await dossier(session, "fraud", NOW - timedelta(days=1, minutes=50))
        champion = next(one for one in between["aliases"] if one["alias"] == "champion")
        assert champion["words"].startswith("3, moved to 1 some time between 11:30 and 11:50")
        assert all(one["alias"] != "champion" for one in between["live"]), "nobody knows which"


async def test_proofs_lead_to_a_checkpoint_or_say_that_there_is_none(session):
    document = await dossier(session, "fraud", INSTANT)
    for one in document["events"]:
        assert leaf_hash(one["leaf"].encode()).hex() == one["leaf_hash"]
        assert json.loads(one["leaf"])["seq"] == one["seq"]
        assert one["proof"] is None
        assert one["checkpoint"].startswith("no checkpoint")
    seqs = [one["seq"] for one in document["events"]]
    assert seqs == sorted(set(seqs))
    assert {7, 8} <= set(seqs)


async def test_each_event_is_proven_to_stand_in_the_checkpoint(session):
    key = Ed25519PrivateKey.generate()
    session.registry.host_key = lambda: key
    kept = await session.registry.checkpoint()
    checkpoint, _ = read_checkpoint(kept.text)
    known = [Ed25519Signer(checkpoint.origin, key).key]
    document = await dossier(session, "fraud", INSTANT)
    assert document["events"]
    for one in document["events"]:
        leaf = leaf_hash(one["leaf"].encode())
        assert proven(read_proof(one["proof"]), leaf, known).size == kept.size
        assert one["checkpoint"] is None


class Reader(HTMLParser):
    """The text and the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def leaves(value: Any):
    """Every text and number in a JSON value."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif value is not None and value != "" and not isinstance(value, bool):
        yield str(value)


async def forms(session, model: str) -> tuple[dict[str, Any], str, str]:
    document = await dossier(session, model, INSTANT)
    return document, as_html(document), as_markdown(document)


@pytest.mark.parametrize("model", ["fraud", HOSTILE])
async def test_each_fact_is_in_every_form(session, model):
    document, page, text = await forms(session, model)
    reader = Reader()
    reader.feed(page)
    read = "".join(reader.text)
    bare = text.replace("\\", "")
    for leaf in leaves(document):
        for shown in show_lines(leaf) if "\n" in leaf else [show(leaf)]:
            inside = json.dumps(shown, ensure_ascii=False)[1:-1]
            assert shown in read or inside in read or html.unescape(shown) in read
            plain = shown.replace("\\", "")
            assert plain in bare or inside.replace("\\", "") in bare


async def test_a_page_needs_nothing_and_runs_nothing(session):
    from modeldeck.app.usecases.aliases import plan_set

    evil = "<script>alert(1)</script><img src=x onerror=y>"
    plan = await plan_set(session, HOSTILE, "x", 1, reason=evil, ticket=HOSTILE)
    await apply_plan(session, plan)
    _, page, text = await forms(session, HOSTILE)
    reader = Reader()
    reader.feed(page)
    assert not reader.tags & {"script", "img", "link", "iframe", "a", "object"}
    assert not [name for name in reader.attributes if name.startswith("on")]
    assert "default-src &#x27;none&#x27;" in page
    assert evil in "".join(reader.text)
    for form in (page, text):
        assert "\x1b" not in form
        assert "\x07" not in form
    outside = re.sub(r"(?ms)^(`{3,})\n.*?^\1$", "", text)
    assert evil not in outside
    assert outside.replace("\\", "").count("<script>") == outside.count("\\<script\\>") > 0


def test_a_fence_is_longer_than_any_in_the_text():
    part = Part("x", blocks=[Block("card", "a\n````\nb")])
    assert "`````" in list(_markdown(part))
