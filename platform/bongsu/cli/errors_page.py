"""``docs/errors.md``, made from the declared codes: ``python -m bongsu.cli.errors_page > docs/errors.md``."""

from __future__ import annotations

from itertools import groupby

from bongsu.cli.failures import EXIT_CODES, with_rule
from bongsu.domain.codes import all_codes
from bongsu.domain.problems import Code

HEAD = """# Errors

Every error says what is wrong, where, and how to mend it, and carries a code. `bongsu explain CODE` prints the
same as this page, in Korean with `--lang ko`. Words in braces are filled in. A refusal names its rule, which
`bongsu policy explain RULE` prints. This page is made from the code by
`python -m bongsu.cli.errors_page`; a test compares the two.

## Exit status

| status | meaning |
| --- | --- |
"""


def render() -> str:
    """The whole page."""
    statuses = "".join(f"| {status} | {meaning} |\n" for status, meaning in EXIT_CODES.items())
    areas = [
        _area(name, list(codes)) for name, codes in groupby(all_codes(), lambda code: code.name.partition(".")[0])
    ]
    return HEAD + statuses + "".join(areas)


def _area(name: str, codes: list[Code]) -> str:
    rows = "".join(map(_row, codes))
    return f"\n## {name}\n\n| code | what | how to mend it | exit |\n| --- | --- | --- | --- |\n{rows}"


def _row(code: Code) -> str:
    return f"| `{code.name}` | {_cell(with_rule(code, code.what))} | {_cell(code.fix)} | {code.exit_code} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(render(), end="")
