"""Every text has its Korean, with the same placeholders, and the compiled catalogue is current."""

import pytest

from bongsu.cli import messages
from bongsu.cli.texts import choose_language, translate, use_language
from bongsu.domain.codes import run as codes


def test_the_catalogue_is_whole() -> None:
    assert messages.check() == [], "run: python -m bongsu.cli.messages update, then translate what is empty"


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        ([], {}, "en"),
        ([], {"LANG": "ko_KR.UTF-8"}, "ko"),
        ([], {"LANG": "ko_KR.UTF-8", "BONGSU_LANG": "en"}, "en"),
        (["--lang", "ko", "runs"], {"BONGSU_LANG": "en"}, "ko"),
        (["--lang=en"], {"LC_ALL": "ko"}, "en"),
    ],
)
def test_one_switch_chooses_the_language(arguments: list[str], environment: dict[str, str], language: str) -> None:
    assert choose_language(arguments, environment) == language


def test_an_error_is_said_in_the_chosen_language() -> None:
    problem = codes.UNKNOWN_RUN.at(run="r-1")
    use_language("ko")
    try:
        assert problem.what(translate) == "실행 r-1이(가) 없습니다."
    finally:
        use_language("en")
    assert problem.what(translate) == "There is no run r-1."
