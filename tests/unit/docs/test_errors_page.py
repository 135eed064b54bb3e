"""docs/errors.md says what the code says."""

from pathlib import Path

from bongsu.cli.errors_page import render
from bongsu.domain.codes import all_codes

PAGE = Path(__file__).parents[3] / "docs" / "errors.md"


def test_the_page_is_made_from_the_codes() -> None:
    assert PAGE.read_text() == render(), "run: python -m bongsu.cli.errors_page > docs/errors.md"


def test_every_code_says_what_and_how_to_mend_it_in_whole_sentences() -> None:
    for code in all_codes():
        for text in (code.what, code.fix):
            assert text[0].isupper() or text[0] in "{`'\"", f"{code.name}: {text}"
            assert text.rstrip()[-1] in ".?!}`", f"{code.name}: {text}"
        assert code.exit_code in (2, 3, 4, 5, 6, 7, 8), code.name
