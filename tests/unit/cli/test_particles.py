"""Korean sentences with what was filled in."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.cli.texts import translate, use_language
from bongsu.domain.problems import BongsuError
from bongsu.language.particles import settle_particles
from bongsu.service.catalogue import InstalledStages
from bongsu.specfile import loads


@pytest.mark.parametrize(
    ("written", "settled"),
    [
        ("모델이(가) 없습니다", "모델이 없습니다"),
        ("단계이(가) 없습니다", "단계가 없습니다"),
        ("실행 r-12이(가)", "실행 r-12가"),
        ("실행 r-13이(가)", "실행 r-13이"),
        ("값 7(으)로", "값 7로"),
        ("값 6(으)로", "값 6으로"),
        ("서울(으)로", "서울로"),
        ("curate을(를)", "curate를"),
        ("token은(는)", "token은"),
        ("step은(는)", "step은"),
        ("GPU와(과)", "GPU와"),
        ("URL이(가)", "URL이"),
        ("`--set step`은(는)", "`--set step`은"),
        ("'모델'(이)라는", "'모델'이라는"),
        ("3650d 이하(이)어야", "3650d 이하여야"),
        ("3 이상(이)어야", "3 이상이어야"),
        ("…이(가)", "…이(가)"),
        ("이(가)", "이(가)"),
    ],
)
def test_a_particle_follows_the_last_sound(written: str, settled: str) -> None:
    assert settle_particles(written) == settled


@given(st.text(max_size=40))
def test_other_text_stays(text: str) -> None:
    if "(" not in text:
        assert settle_particles(text) == text


def test_no_english_words_of_ours_stand_in_a_korean_message(korean: None) -> None:
    text = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: A B, ministry: 3}
spec:
  purpose: {useClass: administration, statement: 짧음}
  stages:
    - {name: first, uses: probe, timeout: 99999d, retries: {limit: 99, backoff: 1min}, with: {steps: x, crash: [1]}}
    - {name: second, uses: container, resources: {workers: [], cpusPerWorker: 1000}}
"""
    with pytest.raises(BongsuError) as caught:
        loads(text, "f.yaml", InstalledStages())
    said = [settle_particles(problem.what(translate) + problem.fix(translate)) for problem in caught.value.problems]
    assert len(said) >= 10
    ours = ("it must", "at most", "at least", "whole number", "a list", "a mapping", "text", "such as", "one of")
    assert [one for one in said if any(word in one for word in ours)] == []


def test_the_same_message_is_english_in_english() -> None:
    use_language("en")
    with pytest.raises(BongsuError) as caught:
        loads("a: b: c", "f.yaml", InstalledStages())
    assert "a second colon stands in one line" in str(caught.value)


def test_closers_without_end_take_no_longer_than_their_length() -> None:
    closers = "}" * 100_000
    began = time.process_time()
    assert settle_particles(f"{closers} 모델`이(가)") == f"{closers} 모델`이"
    assert time.process_time() - began < 5
