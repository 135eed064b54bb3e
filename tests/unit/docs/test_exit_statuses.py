"""What an exit status means stands in the help and in both READMEs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bongsu.cli.failures import EXIT_CODES
from bongsu.cli.texts import translate, use_language

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("name", "language"), [("README.md", "en"), ("README.ko.md", "ko")])
def test_a_readme_lists_them_all(name: str, language: str) -> None:
    use_language(language)
    try:
        expected = [(str(status), translate(meaning)) for status, meaning in EXIT_CODES.items()]
    finally:
        use_language("en")
    assert re.findall(r"^\| (\d+) \| (.+) \|$", (ROOT / name).read_text(), re.M) == expected
