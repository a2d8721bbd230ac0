"""The three folders become one package, `modeldeck`, wherever they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("app", "backends", "widgets")
DEMO = ROOT / "app" / "demo" / "project"  # data: scripts that are copied out
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def run(*argv: str | Path, cwd: Path, **env: str) -> str:
    done = subprocess.run(
        [str(arg) for arg in argv],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_packages_are_those_of_the_tree():
    files = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*.py")]
    files = [file for file in files if not file.is_relative_to(DEMO)]
    found = {file.parent.relative_to(ROOT) for file in files}
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert sorted(listed) == sorted("modeldeck." + ".".join(path.parts) for path in found)
    assert [str(path) for path in found if not (ROOT / path / "__init__.py").exists()] == []


def test_each_folder_is_mapped_and_shown_to_type_checkers():
    assert PROJECT["tool"]["setuptools"]["package-dir"] == {f"modeldeck.{f}": f for f in FOLDERS}
    links = {link.name: link for link in (ROOT / ".typing" / "modeldeck").iterdir()}
    assert set(links) == set(FOLDERS)
    for folder, link in links.items():
        assert str(link.readlink()) == f"../../{folder}"
        assert link.samefile(ROOT / folder)
        assert (link / "py.typed").is_file()


def test_nothing_is_named_modeldeck_at_the_top():
    """A regular package of that name would hide the three portions of the namespace."""
    assert not (ROOT / "modeldeck").exists()
    assert not (ROOT / ".typing" / "modeldeck" / "__init__.py").exists()


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """What a build takes from the tree, so that it leaves nothing in ours."""
    copy = tmp_path_factory.mktemp("source") / "modeldeck"
    copy.mkdir()
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, copy / file)
    return copy


@pytest.fixture(scope="module")
def new_venv(tmp_path_factory):
    """Make an empty virtual environment, with these requirements: its python."""

    def make(*requirements: str | Path) -> Path:
        home = tmp_path_factory.mktemp("venv")
        venv.create(home, symlinks=True)
        python = home / "bin" / "python"
        pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
        run(*pip, "install", "--quiet", *requirements, cwd=home)
        return python

    return make


@pytest.fixture(scope="module")
def built(source, new_venv, tmp_path_factory) -> dict[str, Path]:
    """The sdist, and the wheel that is built from the sdist's own files."""
    python = new_venv(*PROJECT["build-system"]["requires"])
    dist = tmp_path_factory.mktemp("dist")

    def build(kind: str, tree: Path) -> Path:
        code = f"from setuptools import build_meta as b; print(b.build_{kind}({str(dist)!r}))"
        return dist / run(python, "-c", code, cwd=tree).splitlines()[-1]

    sdist = build("sdist", source)
    shutil.unpack_archive(sdist, dist / "unpacked", filter="data")
    (tree,) = (dist / "unpacked").iterdir()
    return {"sdist": sdist, "wheel": build("wheel", tree)}


@pytest.mark.slow
@pytest.mark.real
def test_the_wheel_holds_every_file_of_the_three_folders_and_the_licence(built):
    names = zipfile.ZipFile(built["wheel"]).namelist()
    tree = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*")]
    expected = {
        f"modeldeck/{file.relative_to(ROOT).as_posix()}"
        for file in tree
        if file.is_file() and "__pycache__" not in file.parts
    }
    info = f"modeldeck-{PROJECT['project']['version']}.dist-info"
    assert {name for name in names if not name.startswith(f"{info}/")} == expected
    assert f"{info}/licenses/LICENSE" in names


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_it_installs_beside_a_project_that_has_an_app_of_its_own(kind, built, new_venv, tmp_path):
    python = new_venv("--no-deps", built[kind])
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("OURS = False\n", encoding="utf-8")
    code = (
        "import app, backends, widgets, modeldeck.app, modeldeck.backends, modeldeck.widgets\n"
        "assert app.OURS is backends.OURS is widgets.OURS is False\n"
        "print(modeldeck.app.__file__)"
    )
    where = Path(run(python, "-c", code, cwd=tmp_path, PYTHONPATH=str(tmp_path)).strip())
    assert where.is_relative_to(python.parent.parent)


@pytest.mark.slow
@pytest.mark.real
def test_an_editable_install_sees_a_new_module_at_once(source, new_venv, tmp_path):
    python = new_venv("--no-deps", "--editable", source)
    (source / "app" / "later.py").write_text("SEEN = 1\n", encoding="utf-8")
    (source / "backends" / "later").mkdir()
    (source / "backends" / "later" / "__init__.py").write_text("SEEN = 2\n", encoding="utf-8")
    code = "import modeldeck.app.later as a, modeldeck.backends.later as b; print(a.SEEN + b.SEEN)"
    try:
        assert run(python, "-c", code, cwd=tmp_path).strip() == "3"
    finally:
        (source / "app" / "later.py").unlink()
        shutil.rmtree(source / "backends" / "later")
