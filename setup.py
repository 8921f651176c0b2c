"""Everything about the package stands in setup.cfg, but for what it cannot say.

- README's links are relative, so that they hold in a checkout. On a package index they lead to the
  files of this version in the repository.
- The same files give the same distributions, byte for byte: the dates in them are that of the
  newest release in the changelog, and the source distribution holds its files by name, without
  the owners and the modes of the machine that built it.
"""

import gzip
import os
import re
import tarfile
from datetime import UTC, datetime
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.sdist import sdist

ROOT = Path(__file__).parent
IMAGE = (".gif", ".jpg", ".png", ".svg", ".webp")
#: Code, which is left as it is, and the ends of links: of Markdown, its definitions, HTML.
CODE_OR_LINK = re.compile(
    r"^```.*?^```|^ {4}.*?$|`[^`\n]+`"
    r"|(?P<start>\]\(|^\[[^]\n]+\]:\s+|\b(?:src|srcset|href)=\")(?P<target>[^\s)\"]+)",
    re.M | re.S,
)


def absolute(text: str, source: str, tag: str) -> str:
    """Return Markdown whose relative links lead to a repository's files at a tag."""

    def changed(found: re.Match[str]) -> str:
        target = found["target"]
        if target is None or re.match(r"\w+:|#", target):
            return found[0]
        raw = target.endswith(IMAGE)
        base = source.replace("github.com", "raw.githubusercontent.com") if raw else source
        return f"{found['start']}{base}/{'' if raw else 'blob/'}{tag}/{target}"

    return CODE_OR_LINK.sub(changed, text)


def date_of_release() -> int:
    """Return the date of the newest release in the changelog, in seconds since 1970."""
    text = (ROOT / "docs/CHANGELOG.md").read_text(encoding="utf-8")
    day = re.search(r"^## \[[\d.]+\] - (\d{4}-\d{2}-\d{2})$", text, re.M)
    if day is None:
        raise ValueError("docs/CHANGELOG.md must have a head such as '## [0.1.0] - 2026-12-03'")
    return int(datetime.fromisoformat(day[1]).replace(tzinfo=UTC).timestamp())


def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return a member of an archive as every machine would write it."""
    member.mtime = int(os.environ["SOURCE_DATE_EPOCH"])
    member.mode = 0o755 if member.isdir() else 0o644
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


class ReproducibleSdist(sdist):
    """A source distribution that depends on its files alone."""

    def make_archive(self, base_name, format, root_dir=None, base_dir=None, **others):
        """Write the folder ``base_dir`` to ``base_name``.tar.gz, and return that name."""
        if format != "gztar" or root_dir is not None:
            raise ValueError(f"a source distribution is a gztar of this folder, got {format!r}")
        name = f"{base_name}.tar.gz"
        date = int(os.environ["SOURCE_DATE_EPOCH"])
        with (
            open(name, "wb") as file,
            gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=date) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            # Folders are added by name, and so are the files in each.
            archive.add(base_dir, filter=plain)
        return name


if __name__ == "__main__":
    os.environ.setdefault("SOURCE_DATE_EPOCH", str(date_of_release()))
    os.umask(0o022)
    told = Distribution()
    told.parse_config_files()
    setup(
        cmdclass={"sdist": ReproducibleSdist},
        long_description=absolute(
            (ROOT / "README.md").read_text(encoding="utf-8"),
            told.metadata.project_urls["Source"],
            f"v{told.metadata.version}",
        ),
    )
