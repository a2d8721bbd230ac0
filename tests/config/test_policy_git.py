"""Policy sits above the hand it restrains: a protected context takes it from a commit."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from modeldeck.app.config import policy_file, settings
from modeldeck.app.config.policy import Policy
from modeldeck.app.config.policy_file import PolicyError, read_policy
from modeldeck.app.config.settings import Settings, read_project, read_settings
from modeldeck.app.usecases.gates.kinds import known_kinds, read_policy_of
from modeldeck.backends.api.errors import UsageError

pytestmark = pytest.mark.real

GATED = """\
[metrics]
auc = "higher"
[gates.g]
for = ["*@champion"]
[[gates.g.rules]]
kind = "card"
fields = ["Limitations"]
"""
OPEN = '[metrics]\nauc = "lower"\n'


def git(folder: Path, *words: str) -> str:
    env = {
        **os.environ,
        **{
            f"GIT_{who}_{what}": "x@y"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    done = subprocess.run(
        ["git", "-C", folder, "-c", "commit.gpgSign=false", *words],
        env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def _no_system_file(tmp_path, monkeypatch):
    missing = tmp_path / "no-such-file"
    monkeypatch.setattr(settings, "system_config_file", lambda: missing)
    monkeypatch.setattr(policy_file, "system_config_file", lambda: missing)


@pytest.fixture
def repo(tmp_path):
    """A repository whose branch main holds the gates."""
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "modeldeck.toml").write_text(GATED, encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "gates")
    return folder


def policy_at(folder: Path, **how) -> Policy:
    return read_policy(read_project(folder), Settings(), known_kinds, **how)


def test_a_file_as_it_lies(tmp_path):
    (tmp_path / "modeldeck.toml").write_text(GATED, encoding="utf-8")
    policy = policy_at(tmp_path)
    assert policy.before("fraud", "champion")
    assert policy.source is not None
    assert policy.source.place == str(tmp_path / "modeldeck.toml")
    assert (policy.source.ref, policy.source.commit) == ("", "")
    assert policy.source.digest.startswith("sha256:")
    assert policy.directions == {"auc": "higher"}


def test_no_file_is_no_policy(tmp_path):
    for protected in (False, True):
        assert policy_at(tmp_path, protected=protected) == Policy()


def test_a_mistake_in_a_file_that_is_here_is_an_error(tmp_path):
    (tmp_path / "modeldeck.toml").write_text(GATED.replace("fields", "feilds"), encoding="utf-8")
    with pytest.raises(PolicyError, match=r"modeldeck.toml:7:1: unknown key feilds"):
        policy_at(tmp_path)


def test_edits_in_the_working_tree_do_not_count(repo):
    commit = git(repo, "rev-parse", "HEAD")
    clean = policy_at(repo, protected=True)
    assert clean.source is not None
    assert (clean.source.ref, clean.source.commit) == ("HEAD", commit)
    assert clean.source.notes == ()
    (repo / "modeldeck.toml").write_text(OPEN, encoding="utf-8")
    edited = policy_at(repo, protected=True)
    assert edited.before("fraud", "champion")
    assert edited.directions == {"auc": "higher"}
    assert edited.source is not None
    assert edited.source.notes == (
        f"modeldeck.toml here has edits that do not count: HEAD {commit[:7]} holds",
    )
    assert edited.source.digest == clean.source.digest
    assert not policy_at(repo).gates, "an unprotected context reads the file as it lies"


def test_an_edit_that_is_no_toml_does_not_count_either(repo):
    (repo / "modeldeck.toml").write_text("gates = 3\n", encoding="utf-8")
    assert policy_at(repo, protected=True).before("fraud", "champion")


def test_a_file_below_the_top_is_found_by_its_path(repo):
    below = repo / "models" / "fraud"
    below.mkdir(parents=True)
    (below / "modeldeck.toml").write_text(GATED.replace("champion", "live"), encoding="utf-8")
    git(repo, "add", ".")
    git(repo, "commit", "-qm", "below")
    policy = policy_at(below, protected=True)
    assert policy.before("fraud", "live")
    assert not policy.before("fraud", "champion")


def test_a_ref_is_read_wherever_head_stands(repo):
    git(repo, "switch", "-qc", "mine")
    (repo / "modeldeck.toml").write_text(OPEN, encoding="utf-8")
    git(repo, "commit", "-qam", "no gates")
    assert not policy_at(repo, protected=True).gates
    policy = policy_at(repo, protected=True, ref="main")
    assert policy.before("fraud", "champion")
    assert policy.source is not None
    assert policy.source.notes[0].endswith(
        f"main {git(repo, 'rev-parse', '--short=7', 'main')} holds"
    )
    assert policy_at(repo, ref="main").gates, "a ref that is named counts for any context"


def test_a_repository_elsewhere(repo, tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    policy = policy_at(here, protected=True, repo=str(repo), ref="main")
    assert policy.before("fraud", "champion")
    assert policy.source is not None
    assert policy.source.notes == ()
    (here / "modeldeck.toml").write_text(OPEN, encoding="utf-8")
    policy = policy_at(here, protected=True, repo=str(repo))
    assert policy.source is not None
    assert len(policy.source.notes) == 1


def refused(policy: Policy, *words: str) -> None:
    """It lets nothing through, and says why and the way out."""
    assert policy.trouble
    assert [rule["kind"] for _, gate in policy.before("any", "alias") for rule in gate.rules] == [
        "policy"
    ]
    for word in words:
        assert word in policy.trouble


def test_what_cannot_be_read_lets_nothing_through(repo, tmp_path):
    alone = tmp_path / "alone"
    alone.mkdir()
    refused(
        policy_at(alone, ref="main"),
        "policy_ref is main, and there is no modeldeck.toml here",
        "Set policy_repo",
    )
    refused(policy_at(alone, repo=str(tmp_path / "gone")), "gone", "is not there", "Clone it")
    refused(policy_at(alone, repo=str(alone)), "is no git repository")
    refused(policy_at(alone, repo=str(repo), ref="release"), "knows no commit release", "Fetch it")
    for ref in ("--upload-pack=x", "main:modeldeck.toml", "a b", "main\n"):
        refused(policy_at(alone, repo=str(repo), ref=ref), "cannot name a commit")
    git(repo, "rm", "-q", "modeldeck.toml")
    git(repo, "commit", "-qm", "gone")
    refused(policy_at(alone, repo=str(repo)), "holds no modeldeck.toml")
    (alone / "modeldeck.toml").write_text(GATED, encoding="utf-8")
    refused(
        policy_at(alone, protected=True), "declares people or gates", "Commit it, or set policy_ref"
    )
    (alone / "modeldeck.toml").write_text(OPEN, encoding="utf-8")
    assert not policy_at(alone, protected=True).trouble, "a file without a policy needs no commit"


def test_a_commit_with_mistakes_lets_nothing_through(repo):
    (repo / "modeldeck.toml").write_text(GATED.replace("fields", "feilds"), encoding="utf-8")
    git(repo, "commit", "-qam", "typo")
    (repo / "modeldeck.toml").write_text(OPEN, encoding="utf-8")
    refused(
        policy_at(repo, protected=True), "HEAD:modeldeck.toml:7:1: unknown key feilds", "fields?"
    )
    (repo / "modeldeck.toml").write_bytes(b"\xff\xfe")
    git(repo, "commit", "-qam", "no text")
    (repo / "modeldeck.toml").write_text(OPEN, encoding="utf-8")
    refused(policy_at(repo, protected=True), "the policy has mistakes", "utf-8")


def test_a_link_in_the_commit_is_not_followed(repo, tmp_path):
    (tmp_path / "elsewhere.toml").write_text(OPEN, encoding="utf-8")
    (repo / "modeldeck.toml").unlink()
    (repo / "modeldeck.toml").symlink_to(tmp_path / "elsewhere.toml")
    git(repo, "commit", "-qam", "link")
    refused(policy_at(repo, repo=str(repo)), "is no plain file")


def test_a_file_too_large_is_refused(repo):
    (repo / "modeldeck.toml").write_text(GATED + "#" * (1 << 20), encoding="utf-8")
    git(repo, "commit", "-qam", "large")
    (repo / "modeldeck.toml").write_text(OPEN, encoding="utf-8")
    refused(policy_at(repo, repo=str(repo)), "is larger than 1 MiB")


def test_nothing_that_the_repository_configures_is_run(repo, tmp_path):
    trap = tmp_path / "trapped"
    script = tmp_path / "trap.sh"
    script.write_text(f"#!/bin/sh\ntouch {trap}\ncat\n", encoding="utf-8")
    script.chmod(0o755)
    hooks = repo / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "reference-transaction", "post-index-change"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {trap}\n", encoding="utf-8")
        (hooks / name).chmod(0o755)
    (repo / ".git" / "info" / "attributes").write_text("*.toml diff=t filter=t\n", encoding="utf-8")
    for key in (
        "core.fsmonitor",
        "core.pager",
        "diff.t.textconv",
        "filter.t.smudge",
        "filter.t.clean",
    ):
        git(repo, "config", key, str(script))
    trap.unlink(missing_ok=True)
    assert policy_at(repo, protected=True).before("fraud", "champion")
    assert not trap.exists()


def test_replaced_objects_do_not_count(repo):
    """`git replace` makes a commit mean another one, for this clone alone."""
    first = git(repo, "rev-parse", "HEAD")
    (repo / "modeldeck.toml").write_text(OPEN, encoding="utf-8")
    git(repo, "commit", "-qam", "open")
    second = git(repo, "rev-parse", "HEAD")
    git(repo, "reset", "-q", "--hard", first)
    git(repo, "replace", first, second)
    assert policy_at(repo, protected=True).before("fraud", "champion")


def key_of(number: int) -> str:
    from tests.config.test_policy import key_line

    return key_line(number)


def system(tmp_path, monkeypatch, text: str) -> None:
    path = tmp_path / "system.toml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(settings, "system_config_file", lambda: path)
    monkeypatch.setattr(policy_file, "system_config_file", lambda: path)


def mine(tmp_path, monkeypatch, text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("MODELDECK_CONFIG", str(path))


def test_the_machine_s_own_file_says_who_the_people_are(tmp_path, monkeypatch):
    (tmp_path / "modeldeck.toml").write_text('[people.me]\nroles = ["admin"]\n', encoding="utf-8")
    system(tmp_path, monkeypatch, f'[people.rev1]\nroles = ["approver"]\nkeys = ["{key_of(1)}"]\n')
    policy = read_policy_of(read_project(tmp_path), read_settings())
    assert policy.people.keys() == {"rev1"}
    assert policy.source is not None
    assert policy.source.notes == (f"people are those of {tmp_path / 'system.toml'}",)


def test_its_people_are_checked_too(tmp_path, monkeypatch):
    system(tmp_path, monkeypatch, '[people.rev1]\nkeys = ["ssh-ed25519 AAAA"]\n')
    with pytest.raises(UsageError, match="the key of rev1 is cut") as caught:
        read_policy_of(read_project(tmp_path), read_settings())
    assert caught.value.where.startswith(str(tmp_path / "system.toml"))


def test_nobody_gives_themselves_a_role(tmp_path, monkeypatch):
    mine(tmp_path, monkeypatch, 'theme = "dark"\n[people.me]\nroles = ["admin"]\n')
    with pytest.raises(UsageError, match=r"mine.toml:2: people: who may do what is not for a user"):
        read_settings()


def test_the_machine_s_own_file_says_where_the_policy_is(repo, tmp_path, monkeypatch):
    system(tmp_path, monkeypatch, f'policy_repo = "{repo}"\npolicy_ref = "main"\n')
    mine(
        tmp_path,
        monkeypatch,
        f'policy_repo = "{tmp_path}"\n[contexts.p]\npolicy_ref = "mine"\n'
        '[contexts.p.registry]\ntype = "mlflow"\nurl = "https://m.example"\n',
    )
    found = read_settings()
    assert (found.contexts["p"].policy_repo, found.contexts["p"].policy_ref) == (str(repo), "main")
    policy = read_policy_of(read_project(tmp_path), found, found.contexts["p"])
    assert policy.before("fraud", "champion")
    assert read_policy_of(read_project(tmp_path), found).before("fraud", "champion")


SERVER = '[contexts.{name}.registry]\ntype = "mlflow"\nurl = "https://m.example"\n'


def test_another_name_for_the_same_server_is_no_way_around(repo, tmp_path, monkeypatch):
    fixed = f'[contexts.prod]\nprotected = true\npolicy_repo = "{repo}"\npolicy_ref = "main"\n'
    system(tmp_path, monkeypatch, fixed + SERVER.format(name="prod"))
    mine(tmp_path, monkeypatch, '[contexts.own]\npolicy_ref = "mine"\n' + SERVER.format(name="own"))
    own = read_settings().contexts["own"]
    assert (own.protected, own.policy_repo, own.policy_ref) == (True, str(repo), "main")
    mine(tmp_path, monkeypatch, '[contexts.prod]\npolicy_ref = "mine"\n')
    with pytest.raises(UsageError, match="policy_ref: the machine's own file says what prod is"):
        read_settings()


WRONG = {
    "a ref that is an option": ('policy_ref = "--help"', "policy_ref: cannot name a commit"),
    "a repository of no place": ('policy_repo = "repo"', "policy_repo: is not absolute"),
}


@pytest.mark.parametrize("about", WRONG)
def test_what_a_context_says_of_it_is_checked(tmp_path, monkeypatch, about):
    line, words = WRONG[about]
    mine(tmp_path, monkeypatch, f"[contexts.p]\n{line}\n" + SERVER.format(name="p"))
    with pytest.raises(UsageError, match=words) as caught:
        read_settings()
    assert caught.value.where.endswith("mine.toml:2")
