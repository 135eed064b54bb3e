"""Every text has its Korean, with the same placeholders, and the compiled catalogue is current."""

import os
import re
import time
from pathlib import Path

import pytest
from cli_shell import Shell
from small_plans import plan_of, stage

from bongsu.cli import messages
from bongsu.cli.render.progress import ProgressLines
from bongsu.cli.texts import choose_language, translate, use_language
from bongsu.domain.codes import run as codes
from bongsu.domain.run import StageState
from bongsu.service.embedded import open_home
from bongsu.service.submitting import submit
from bongsu.service.watching import RunProgress, StageProgress

NO_AXIS = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: probes, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Try the platform on itself}
  stages:
    - {name: first, uses: probe, with: {text: "${matrix.keep} ${params.word} *nothing"}}
"""


def test_the_catalogue_is_whole() -> None:
    assert messages.check() == [], "run: python -m bongsu.cli.messages update, then translate what is empty"


def test_every_request_to_the_reader_ends_in_one_style() -> None:
    """As docs/glossary.md has it: -십시오, and not -세요."""
    text = messages.CATALOGUE.read_text()
    assert [line for line in text.splitlines() if re.search("세요|셔요|해요", line)] == []


@pytest.mark.parametrize(
    ("arguments", "environment", "language"),
    [
        ([], {}, "en"),
        ([], {"LANG": "ko_KR.UTF-8"}, "ko"),
        ([], {"LANG": "ko_KR.UTF-8", "BONGSU_LANG": "en"}, "en"),
        (["--lang", "ko", "runs"], {"BONGSU_LANG": "en"}, "ko"),
        (["--lang=en"], {"LC_ALL": "ko"}, "en"),
        (["show", "--lang", "en"], {"BONGSU_LANG": "ko"}, "en"),
        (["--lang", "en", "stages", "list", "--lang=ko"], {}, "ko"),
        (["lineage", "--", "--lang=ko"], {}, "en"),
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


@pytest.mark.usefixtures("korean")
def test_a_state_inside_a_sentence_is_korean_too(shell: Shell, tmp_path: Path) -> None:
    platform = open_home(tmp_path / "home", os.environ)
    submit(platform, plan_of(stage("a")))
    platform.close()
    assert "취소됨" in shell("cancel", "latest").out
    again = shell("cancel", "latest")
    assert "이미 취소됨 상태입니다" in again.error
    assert "cancelled" not in again.error


@pytest.mark.usefixtures("korean")
def test_that_nothing_is_known_is_korean_inside_a_sentence_too(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(NO_AXIS)
    said = shell("validate", "p.yaml").error
    assert "없음" in said
    assert "none" not in said
    platform = open_home(tmp_path / "home", os.environ)
    submit(platform, plan_of(stage("a")))
    platform.close()
    assert "없음" in shell("logs", "latest", "a", "--attempt", "3").error


@pytest.mark.usefixtures("korean")
def test_a_stage_out_of_the_cache_is_said_to_be_so_once() -> None:
    said: list[str] = []
    ProgressLines(said.append, time.monotonic).update(
        RunProgress((StageProgress("a", "curate", StageState.CACHED),), None, "")
    )
    assert said == ["✓ curate: 캐시 사용"]
