"""What `make dist` has built: its files, its metadata, and the same bytes at every build."""

import gzip
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from readme_renderer.markdown import render

import natfit

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"
WHEEL = DIST / f"natfit-{natfit.__version__}-py3-none-any.whl"
SDIST = DIST / f"natfit-{natfit.__version__}.tar.gz"
#: Bytes. The package alone is four megabytes of source, a million and a half when compressed file
#: by file, as a wheel is: less is not possible without its docstrings.
LARGEST = 2_000_000


def tracked(*folders):
    """Files of the repository, those that nobody added to it left out."""
    found = subprocess.run(
        ["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(found.stdout.split())


def in_wheel():
    with zipfile.ZipFile(WHEEL) as archive:
        return archive.infolist()


def in_sdist():
    with tarfile.open(SDIST) as archive:
        return archive.getmembers()


def metadata():
    with zipfile.ZipFile(WHEEL) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode("utf-8"))


def build(source, to, *options, **environment):
    """Run the build front end on a folder."""
    command = [sys.executable, "-m", "build", "--quiet", "--outdir", to, *options, source]
    subprocess.run(command, check=True, env={**os.environ, **environment})
    return Path(to)


def test_nothing_else_was_built():
    assert sorted(DIST.iterdir()) == sorted([WHEEL, SDIST])


@pytest.mark.parametrize("path", [WHEEL, SDIST], ids=["wheel", "sdist"])
def test_the_size_is_small(path):
    assert path.stat().st_size < LARGEST


def test_the_wheel_holds_the_package_and_its_metadata():
    names = {member.filename for member in in_wheel()}
    info = {name for name in names if re.match(r"natfit-[\d.]+\.dist-info/", name)}
    assert names - info == tracked("natfit")
    assert {"natfit/py.typed", "natfit/display/natfit.mplstyle"} <= names
    assert {Path(name).name for name in info} == {
        "METADATA", "WHEEL", "RECORD", "LICENSE", "top_level.txt",
    }  # fmt: skip


def test_the_source_distribution_holds_what_builds_the_wheel():
    files = {m.name.partition("/")[2] for m in in_sdist() if m.isfile()}
    made = {name for name in files if name.startswith("natfit.egg-info/")} | {"PKG-INFO"}
    others = {
        "CITATION.cff", "LICENSE", "MANIFEST.in", "README.md", "docs/CHANGELOG.md",
        "pyproject.toml", "setup.cfg", "setup.py",
    }  # fmt: skip
    assert files - made == others | tracked("natfit")


def test_nothing_tells_of_the_machine_that_built_them():
    members = in_sdist()
    assert [m.name for m in members] == sorted(
        (m.name for m in members), key=lambda n: n.split("/")
    )
    assert {(m.uid, m.gid, m.uname, m.gname) for m in members} == {(0, 0, "", "")}
    assert {m.mode for m in members if m.isfile()} == {0o644}
    assert len({m.mtime for m in members}) == 1
    assert {m.external_attr >> 16 & 0o777 for m in in_wheel()} <= {0o644, 0o664}
    assert len({m.date_time for m in in_wheel()}) == 1
    assert str(ROOT).encode() not in gzip.decompress(SDIST.read_bytes())


def test_metadata_are_complete():
    found = metadata()
    assert found["Version"] == natfit.__version__
    assert found["License-Expression"] == "BSD-3-Clause"
    assert found["License"] is None
    assert not [c for c in found.get_all("Classifier") if c.startswith("License ::")]
    addresses = dict(line.split(", ") for line in found.get_all("Project-URL"))
    assert {"Documentation", "Source", "Issues", "Changelog"} <= set(addresses)
    assert found["Description-Content-Type"] == "text/markdown"


def test_the_description_has_absolute_links_alone():
    html = render(metadata().get_payload())
    links = re.findall(r'(?:href|src)="([^"]*)"', html)
    assert len(links) > 5
    assert [link for link in links if not re.match("https?://|#", link)] == []


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of the files of the repository with other dates and other modes."""
    place = tmp_path_factory.mktemp("copy") / "natfit"
    for name in sorted(tracked(), reverse=True):
        if (ROOT / name).exists():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, place / name)
            (place / name).chmod(0o600)
            os.utime(place / name, (1_000_000_000, 1_000_000_000))
    return place


def test_the_same_files_give_the_same_bytes(copied, tmp_path):
    again = build(copied, tmp_path, TZ="Asia/Tokyo")
    assert (again / SDIST.name).read_bytes() == SDIST.read_bytes()
    assert (again / WHEEL.name).read_bytes() == WHEEL.read_bytes()


def test_the_checkout_builds_the_wheel_of_the_source_distribution(copied, tmp_path):
    # make dist builds its wheel from the source distribution.
    for path in copied.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    direct = build(copied, tmp_path, "--wheel")
    assert (direct / WHEEL.name).read_bytes() == WHEEL.read_bytes()
