"""Make this data set from documentation packages of Debian: ``python make.py``.

Downloads the packages with apt (nothing is installed), takes the Korean lines of their HTML pages and writes
``part-00000.parquet`` and ``README.md`` beside this file. The same package versions give the same bytes.
"""

from __future__ import annotations

import argparse
import html
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bongsu_stages.data.html import html_text

LICENCES = {"libreoffice-help-ko": "MPL-2.0", "gimp-help-ko": "GFDL-1.2-or-later"}
HANGUL = re.compile("[가-힣]")
SHORTEST_LINE = 12
SHORTEST_PAGE = 200
HANGUL_SHARE = 0.25


def unpack(package: str, folder: Path) -> tuple[Path, str]:
    """Download ``package`` into ``folder`` and unpack it there. Returns its files and its version."""
    folder.mkdir()
    subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True)
    (archive,) = folder.glob("*.deb")
    version = subprocess.run(
        ["dpkg-deb", "-f", str(archive), "Version"], check=True, capture_output=True, text=True
    ).stdout.strip()
    subprocess.run(["dpkg-deb", "-x", str(archive), str(folder / "files")], check=True)
    return folder / "files", version


def pages(package: str, files: Path, seen: set[str]) -> Iterator[dict[str, str]]:
    """Pages of a package: lines that are Korean, each only once in the whole data set."""
    for path in sorted(files.rglob("*.html")):
        lines = []
        text = html_text(path.read_text("utf-8", errors="ignore"))
        for line in html.unescape(text).split("\n"):  # some pages are escaped twice
            enough = len(line) >= SHORTEST_LINE and len(HANGUL.findall(line)) >= HANGUL_SHARE * len(line)
            if enough and line not in seen:
                seen.add(line)
                lines.append(line)
        if sum(map(len, lines)) > SHORTEST_PAGE:
            name = path.relative_to(files / "usr/share").as_posix()
            yield {"id": f"{package}/{path.stem}-{len(seen)}", "text": "\n".join(lines), "source": name}


def collect(limit: int) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Pages of every package, at most ``limit`` characters of each, and the versions of the packages."""
    rows: list[dict[str, str]] = []
    versions: dict[str, str] = {}
    seen: set[str] = set()
    with tempfile.TemporaryDirectory() as scratch:
        for package in LICENCES:
            files, versions[package] = unpack(package, Path(scratch) / package)
            used = 0
            for row in pages(package, files, seen):
                used += len(row["text"])
                if used > limit:
                    break
                rows.append(row)
    return rows, versions


def card(rows: list[dict[str, str]], versions: dict[str, str], limit: int) -> str:
    """The data card, with front matter."""
    table = []
    for name, version in versions.items():
        own = [row for row in rows if row["id"].startswith(name + "/")]
        characters = sum(len(row["text"]) for row in own)
        table.append(f"| {name} | {version} | {LICENCES[name]} | {len(own)} | {characters:,} |")
    packages = "\n".join(f"  - {name}={version}" for name, version in versions.items())
    return f"""---
title: General Korean text from program manuals
license: {" AND ".join(LICENCES.values())}
label: O
language: ko
packages:
{packages}
command: python make.py --characters {limit}
---

# General Korean text from program manuals

Korean pages of Debian's documentation packages, for measuring and keeping general Korean while a model learns a
domain. Columns: `id`, `text` (one paragraph a line), `source` (path of the page under `/usr/share`).

| package | version | licence | pages | characters |
| --- | --- | --- | --- | --- |
{chr(10).join(table)}

A line stays if it has {SHORTEST_LINE} characters or more and a quarter of them is Hangul, and only the first time it
appears; a page stays if more than {SHORTEST_PAGE} characters of it do. The text is as its authors wrote it; the
licence of each row is that of its package.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--characters", type=int, default=1_000_000, help="at most so many from each package")
    limit = parser.parse_args().characters
    here = Path(__file__).parent
    rows, versions = collect(limit)
    schema = pa.schema([(name, pa.string()) for name in ("id", "text", "source")])
    table = pa.Table.from_pylist(rows, schema=schema)
    pq.write_table(table, here / "part-00000.parquet", compression="zstd", compression_level=19)
    (here / "README.md").write_text(card(rows, versions, limit))


if __name__ == "__main__":
    main()
