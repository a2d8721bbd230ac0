import hashlib
import json
import sys

import msgspec
import pytest

from modeldeck.app.usecases import artifacts
from modeldeck.backends.api.artifacts import Artifact
from tests.cli.conftest import run_cli


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """A run with files of its own, and a version from one of them."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "train.py").write_text(
        "import os, pathlib\n"
        "run = pathlib.Path(os.environ['MODELDECK_RUN_DIR'], 'artifacts', 'deep')\n"
        "run.mkdir(parents=True)\n"
        "(run / 'a.txt').write_text('alpha')\n"
        "(run.parent / 'b.txt').write_text('beta')\n"
    )
    return folder


@pytest.mark.real
def test_files_are_listed_and_saved_with_their_digests(recorded):
    ran = run_cli("run", "--", sys.executable, "train.py")
    assert ran.code == 0, ran.err
    run = json.loads(run_cli("runs", "ls", "-o", "json").out)["items"][0]["id"]
    listed = json.loads(run_cli("artifacts", "ls", run, "-o", "json").out)["items"]
    assert {"deep/a.txt", "b.txt"} <= {one["path"] for one in listed}
    digest = f"sha256:{hashlib.sha256(b'alpha').hexdigest()}"
    got = run_cli("artifacts", "get", run, "deep", "--to", "there")
    assert (got.code, got.out) == (0, f"{digest}  there/deep/a.txt\n"), got.err
    assert (recorded / "there" / "deep" / "a.txt").read_text() == "alpha"
    again = run_cli("artifacts", "get", run, "deep", "--to", "there")
    assert again.code == 0
    assert "is there already, with the same bytes" in again.err
    (recorded / "there" / "deep" / "a.txt").write_text("mine")
    refused = run_cli("artifacts", "get", run, "deep/a.txt", "--to", "there")
    assert refused.code == 2
    assert "there/deep/a.txt: is there already. --force replaces it" in refused.err
    assert (recorded / "there" / "deep" / "a.txt").read_text() == "mine"
    forced = run_cli("artifacts", "get", run, "deep/a.txt", "--to", "there", "--force")
    assert forced.out == f"{digest}  there/deep/a.txt\n"
    assert (recorded / "there" / "deep" / "a.txt").read_text() == "alpha"
    missing = run_cli("artifacts", "get", run, "none")
    assert missing.code == 2
    assert "no artifact 'none'" in missing.err


@pytest.mark.real
def test_the_files_of_a_version_are_named_by_its_alias(recorded):
    (recorded / "model.bin").write_bytes(b"\0" * 100)
    made = run_cli("register", "model.bin", "--model", "m", "--yes")
    assert made.code == 0, made.err
    assert run_cli("alias", "set", "m", "best", "1", "--yes").code == 0
    for ref in ("m@best", "m/1", "models/m/1"):
        got = run_cli("artifacts", "get", ref, "--to", f"to-{ref.replace('/', '-')}")
        assert got.code == 0, got.err
        assert got.out.split()[1].endswith("model.bin")


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a\x1bb", ""])
def test_a_path_that_leads_elsewhere_is_refused(path):
    with pytest.raises(artifacts.RefusedError):
        artifacts._parts(Artifact(path=path))


@pytest.mark.simulated
async def test_other_bytes_than_recorded_are_not_kept(tmp_path):
    class Lying:
        async def download(self, owner, path, target):
            target.write_bytes(b"other")
            return f"sha256:{hashlib.sha256(b'other').hexdigest()}"

    class Session(msgspec.Struct):
        registry: Lying = Lying()

    wanted = Artifact(path="x", digest=f"sha256:{'0' * 64}")
    with pytest.raises(artifacts.DamagedError):
        await artifacts.download(Session(), "runs/a", wanted, tmp_path)
    assert list(tmp_path.iterdir()) == []
