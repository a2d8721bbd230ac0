"""The state of a real git repository, and hostile ones that run nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from modeldeck.app.recorder import git as git_module
from modeldeck.app.recorder.git import working_tree
from modeldeck.app.recorder.lock import capture

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed"),
]


def git(repo: Path, *words: str) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *who, *words], cwd=repo, env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path) -> Path:
    repo = tmp_path / "repo"
    repo.mkdir()
    git(repo, "init", "-q", "-b", "main")
    (repo / "train.py").write_text("print(1)\n")
    (repo / "data.bin").write_bytes(bytes(range(256)))
    (repo / "sub").mkdir()
    (repo / "sub" / "x").write_text("x\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "first")
    return repo


def test_a_clean_tree(repo):
    git(repo, "remote", "add", "origin", "https://me:s3cret@host/team/x.git")
    lock, diff = capture(repo / "sub", "")
    assert diff is None
    assert lock.git.commit == git(repo, "rev-parse", "HEAD")
    assert (lock.git.branch, lock.git.dirty) == ("main", False)
    assert lock.git.remote == "https://host/team/x.git"
    assert "git" not in lock.extra.get("untold", {})


def test_a_dirty_tree_can_be_made_again_from_its_diff(repo, tmp_path):
    (repo / "train.py").write_text("print(2)\n")
    (repo / "data.bin").write_bytes(bytes(range(255, -1, -1)))
    (repo / "sub" / "x").unlink()
    (repo / "added.py").write_text("new\n")
    git(repo, "add", "added.py")
    (repo / "untold näme.py").write_text("")
    (repo / ".modeldeck").mkdir()
    (repo / ".modeldeck" / "registry.db").write_text("")
    tree = working_tree(repo / "sub")
    assert tree.git.dirty
    assert tree.diff.startswith(b'# untracked: "untold n\\u00e4me.py"\ndiff --git')
    again = tmp_path / "again"
    git(tmp_path, "clone", "-q", str(repo), str(again))
    (tmp_path / "diff").write_bytes(tree.diff)
    git(again, "apply", str(tmp_path / "diff"))
    for name in ("train.py", "data.bin", "added.py"):
        assert (again / name).read_bytes() == (repo / name).read_bytes()
    assert not (again / "sub" / "x").exists()


def test_two_changes_make_two_locks(repo):
    digests = set()
    for text in ("a", "b"):
        (repo / "train.py").write_text(text)
        digests.add(capture(repo, "")[0].extra["diff"])
    assert len(digests) == 2


def test_only_new_files_make_a_tree_dirty_without_a_diff(repo):
    (repo / "new.py").write_text("")
    tree = working_tree(repo)
    assert tree.git.dirty
    assert (tree.diff, tree.digest) == (b'# untracked: "new.py"\n', None)


def test_a_detached_head_has_no_branch(repo):
    git(repo, "checkout", "-q", "--detach")
    assert working_tree(repo).git.branch is None


def test_a_very_long_diff_is_cut(repo, monkeypatch):
    monkeypatch.setattr(git_module, "DIFF_LIMIT", 1000)
    (repo / "train.py").write_text("line\n" * 10_000)
    lock, diff = capture(repo, "")
    assert lock.git.dirty
    assert lock.extra["diff_cut"]
    assert len(diff) < 1200
    assert diff.startswith(b"# the changes are longer than 1000 bytes")


def test_where_there_is_no_repository_or_no_commit(tmp_path):
    assert working_tree(tmp_path).git is None
    git(tmp_path, "init", "-q")
    tree = working_tree(tmp_path)
    assert tree.git is None
    assert "no commit" in tree.untold


def test_variables_of_a_git_hook_do_not_lead_elsewhere(repo, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    assert working_tree(repo).git is not None


@pytest.fixture
def canary(repo) -> Path:
    """A program that a hostile repository would like to have run; it leaves its mark."""
    mark = repo.parent / "canary"
    for name, then in (("evil", "cat"), ("quick", "exit 1")):
        program = repo / ".git" / name
        program.write_text(f"#!/bin/sh\necho \"$@\" >> '{mark}'\n{then}\n")
        program.chmod(0o755)
    return mark


CONFIGS = {
    "fsmonitor": "[core]\n fsmonitor = {evil}\n",
    "hooks": "[core]\n hooksPath = {folder}\n",
    "pager": "[core]\n pager = {evil}\n[pager]\n diff = {evil}\n",
    "external": "[diff]\n external = {evil}\n",
    "driver": '[diff "evil"]\n command = {evil}\n',
    "textconv": '[diff "evil"]\n textconv = {evil}\n',
    "clean": '[filter "evil"]\n clean = {evil}\n required = true\n',
    "process": '[filter "evil"]\n process = {evil}\n',
    "odd name": '[filter "ev=il"]\n clean = {evil}\n',
    "included": "[include]\n path = {folder}/more\n",
    "lazy fetch": '[remote "origin"]\n url = ext::{folder}/quick\n promisor = true\n'
    '[extensions]\n partialClone = origin\n[protocol "ext"]\n allow = always\n',
}


def hostile(repo: Path, kind: str) -> None:
    evil = repo / ".git" / "evil"
    (repo / ".gitattributes").write_text("* diff=evil filter=evil\nsub/* filter=ev=il\n")
    git(repo, "add", ".gitattributes")
    git(repo, "commit", "-q", "-m", "attributes")
    with (repo / ".git" / "config").open("a") as file:
        file.write(CONFIGS[kind].format(evil=evil, folder=evil.parent))
    (evil.parent / "more").write_text(CONFIGS["clean"].format(evil=evil))
    (evil.parent / "post-index-change").symlink_to("evil")
    (repo / "train.py").write_text("print(2)\n")
    (repo / "sub" / "x").write_text("y\n")
    if kind == "lazy fetch":
        blob = git(repo, "rev-parse", "HEAD:train.py")
        (repo / ".git" / "objects" / blob[:2] / blob[2:]).unlink()


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_hostile_repository_runs_nothing(repo, canary, kind):
    hostile(repo, kind)
    tree = working_tree(repo)
    assert not canary.exists()
    assert tree.git is not None
    assert tree.git.dirty
    if kind in {"odd name", "lazy fetch"}:
        assert tree.untold == "the changes could not be read"
    else:
        assert b"+print(2)" in tree.diff


@pytest.mark.parametrize("kind", [kind for kind in CONFIGS if kind != "pager"])
def test_the_canary_would_sing(repo, canary, kind):
    """The same repositories do run programs when git is asked without care."""
    hostile(repo, kind)
    for words in (["status"], ["diff", "HEAD"]):
        subprocess.run(
            ["git", *words], cwd=repo, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    assert canary.exists()


def test_filters_of_the_user_stay(repo, monkeypatch, tmp_path):
    """git-lfs, say: without it all large files would look changed."""
    (tmp_path / "global").write_text('[filter "mine"]\n clean = sed s/2/1/\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "global"))
    (repo / ".git" / "info" / "attributes").write_text("*.py filter=mine\n")
    (repo / "train.py").write_text("print(2)\n")
    assert not working_tree(repo).git.dirty
