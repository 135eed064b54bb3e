"""Keeps the Korean texts in step with the code: ``python -m bongsu.cli.messages update|check``.

Sentences come from ``_()`` and ``N_()`` in the code, the report's page, the templates of error codes, and what
stages say of themselves. ``update`` merges them into ``bongsu.po`` and compiles ``bongsu.mo``; ``check`` fails
if a sentence lacks its Korean or a placeholder differs. Needs babel, which only developers install.
"""

from __future__ import annotations

import io
import re
import string
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from bongsu.domain.codes import all_codes
from bongsu.domain.pipeline import PipelineSpec
from bongsu.domain.problems import DID_YOU_MEAN
from bongsu.language.translation import LOCALES
from bongsu.service.catalogue import InstalledStages

PACKAGE = Path(__file__).parent.parent
CATALOGUE = LOCALES / "ko" / "LC_MESSAGES" / "bongsu.po"
COMPILED = CATALOGUE.with_suffix(".mo")
_IN_TEMPLATE = re.compile(r"""_\(\s*(["'])(.+?)\1\s*\)""")


def sentences() -> list[str]:
    """Every English sentence that a person may see, in a stable order."""
    found = dict.fromkeys(_sentences())
    return [text for text in found if text]


def _sentences() -> Iterator[str]:
    from babel.messages.extract import extract_from_dir

    keywords = {"_": None, "N_": None}
    for folder in (PACKAGE, *_packages_of_stages()):
        for _file, _line, message, *_ in extract_from_dir(
            folder, method_map=[("**.py", "python")], keywords=keywords
        ):
            yield message if isinstance(message, str) else message[0]
    page = (PACKAGE / "service" / "report" / "page.html.j2").read_text()
    yield from (match[1] for match in _IN_TEMPLATE.findall(page))
    yield DID_YOU_MEAN
    for code in all_codes():
        yield code.what
        yield code.fix
    yield from _descriptions(PipelineSpec)
    for signature in InstalledStages().values():
        yield signature.doc
        yield from (port.doc for port in (*signature.inputs.values(), *signature.outputs.values()))
        yield from _descriptions(signature.params)


def _packages_of_stages() -> list[Path]:
    """Folders of the packages that bring stages: their checks speak to people too."""
    names = {signature.params.__module__.partition(".")[0] for signature in InstalledStages().values()}
    files = [sys.modules[name].__file__ for name in sorted(names)]
    return [Path(file).parent for file in files if file]


def _descriptions(model: type[BaseModel]) -> Iterator[str]:
    """What fields say of themselves: `stages show` prints it, and messages about a field quote it."""
    schema = model.model_json_schema(by_alias=True)
    for part in (schema, *schema.get("$defs", {}).values()):
        yield from (field.get("description", "") for field in part.get("properties", {}).values())


def update() -> int:
    """Merge new sentences into the catalogue, drop old ones, compile. Returns how many lack their Korean."""
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po, write_po

    known: dict[str, str] = {}
    if CATALOGUE.exists():
        with CATALOGUE.open("rb") as file:
            known = {str(m.id): str(m.string) for m in read_po(file) if m.id}
    catalogue = Catalog(locale="ko", project="bongsu", version="1", fuzzy=False, charset="utf-8")
    # Fixed times: the files change only when a sentence does.
    catalogue.creation_date = catalogue.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    for text in sentences():
        catalogue.add(text, known.get(text, ""))
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    with CATALOGUE.open("wb") as file:
        write_po(file, catalogue, width=116, omit_header=False, sort_output=False)
    with COMPILED.open("wb") as file:
        write_mo(file, catalogue)
    return sum(not known.get(text) for text in sentences())


def check() -> list[str]:
    """What is wrong with the catalogue: missing sentences, differing placeholders, a stale compiled file."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file)
    known = {str(m.id): str(m.string) for m in catalogue if m.id}
    faults = [f"no Korean for: {text}" for text in sentences() if not known.get(text)]
    for english, korean in known.items():
        if korean and placeholders(english) != placeholders(korean):
            faults.append(f"placeholders differ: {english} | {korean}")
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    if not COMPILED.exists() or COMPILED.read_bytes() != compiled.getvalue():
        faults.append("bongsu.mo is not compiled from bongsu.po")
    return faults


def placeholders(text: str) -> set[str]:
    """Names that are filled in; none in words that are never formatted and speak of braces."""
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}
    except ValueError:
        return set()


def main(arguments: list[str]) -> int:
    if arguments == ["update"]:
        print(f"{update()} sentences lack their Korean")
        return 0
    faults = check()
    print("\n".join(faults) or "all texts have their Korean")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
