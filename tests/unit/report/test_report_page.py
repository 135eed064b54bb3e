"""The report: one file, nothing from elsewhere, the same facts as it was given."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.lineage import NodeKind
from bongsu.domain.quantities import figure
from bongsu.service.report.cards import WORDS, card_rows
from bongsu.service.report.charts import pareto
from bongsu.service.report.model import (
    Bar,
    Broken,
    GraphEdge,
    GraphNode,
    ReportVariant,
    RunReport,
    Series,
    Timeline,
)
from bongsu.service.report.page import render_page

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def page() -> str:
    variants = (
        ReportVariant("adapt", "sha256-" + "b" * 64, 6_830_000, {"perplexity.law": 100.0}, baseline=True),
        ReportVariant(
            "quantize <script>alert(1)</script>",
            "sha256-" + "c" * 64,
            2_090_000,
            {"perplexity.law": 105.0},
            {"perplexity.law": (99.0, 111.0)},
            {"perplexity.law": 0.05},
            3.27,
            verified=True,
            label="S",
            version="axk1-law/3",
        ),
    )
    return render_page(
        RunReport(
            run_id="r-1",
            pipeline="axk1-law",
            ministry="mnd",
            purpose="법령 검색",
            use_class="administration",
            state="succeeded",
            label="S/logistics",
            plan_hash="sha256-" + "d" * 64,
            started=NOW,
            finished=NOW,
            generated=NOW,
            variants=variants,
            series=(Series("adapt", "loss", ((1, 7.0), (2, 6.0))),),
            timelines=(Timeline((Bar("adapt", 1, 0.0, 4.0, "failed"), Bar("adapt", 2, 5.0, 9.0, "succeeded"))),),
            nodes=(GraphNode("a", NodeKind.INPUT, "법령"), GraphNode("b", NodeKind.ARTIFACT, "adapt", "S")),
            edges=(GraphEdge("a", "b"),),
            cards=(("curate", {"kept": 11}),),
        ),
        language="ko",
    )


def test_nothing_is_loaded_from_elsewhere(page: str) -> None:
    text = re.sub(r'xmlns(:\w+)?="[^"]*"|<!DOCTYPE svg[^>]*>|<metadata>.*?</metadata>', "", page, flags=re.S)
    assert "<script" not in text
    assert not re.search(r'(?:src|href)="(?!#)', text)
    assert "http" not in text


def test_what_people_wrote_is_escaped(page: str) -> None:
    assert "&lt;script&gt;alert(1)" in page


def test_sizes_and_changes_are_against_the_uncompressed_model(page: str) -> None:
    assert "2.09 MB" in page
    assert "÷ 3.27" in page
    assert "+5.0%" in page


def test_the_label_stands_above_and_below(page: str) -> None:
    assert page.count('class="banner grade-S"') == 2
    assert page.count("S/logistics") >= 2


def report_of(*variants: ReportVariant, **changes: Any) -> RunReport:
    facts: dict[str, Any] = {
        "run_id": "r-1",
        "pipeline": "axk1-law",
        "ministry": "mnd",
        "purpose": "법령 검색",
        "use_class": "administration",
        "state": "running",
        "label": "O",
        "plan_hash": "sha256-" + "d" * 64,
        "started": NOW,
        "finished": None,
        "generated": NOW,
        "variants": variants,
    }
    return RunReport(**facts | changes)


def variant(title: str, **changes: Any) -> ReportVariant:
    return ReportVariant(title, "sha256-" + title[:1] * 64, 1_000_000, **changes)


def test_no_address_stands_on_the_page_but_the_names_of_xml(page: str) -> None:
    assert set(re.findall(r"https?://[^\"'<\s]+", page)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert "url(http" not in page


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0, -1.0])
def test_figures_that_cannot_be_drawn_are_told_in_the_table(value: float) -> None:
    metrics = {"perplexity.law": value}
    intervals = {"perplexity.law": (value, value)}
    odd = variant("odd", metrics=metrics, intervals=intervals)
    good = variant("good", metrics={"perplexity.law": 20.0}, change={"perplexity.law": 0.02})
    for shown in ((odd,), (odd, good), (variant("none"), odd, good)):
        text = render_page(report_of(*shown, series=(Series("a", "loss", ((1, value), (2, float("inf")))),)))
        assert (figure(value)) in text


def test_a_page_without_figures_has_no_picture_of_them() -> None:
    text = render_page(report_of(variant("adapt"), variant("base", metrics={"perplexity.law": float("nan")})))
    assert "<svg" not in text
    assert "Changes are against" not in text


def test_a_dollar_sign_in_a_name_is_no_formula() -> None:
    odd = variant("prune $a_{$", metrics={"perplexity.law": 20.0})
    assert "prune $a_{$" in render_page(
        report_of(odd, timelines=(Timeline((Bar("$x^{$", 1, 0.0, 1.0, "failed"),)),))
    )


def test_an_interrupted_run_says_so_and_how_long_it_was_worked_on() -> None:
    text = render_page(report_of(interrupted=True, worked_seconds=245.0))
    assert "interrupted" in text
    assert "4 min 05 s" in text


def test_cards_are_readable_in_korean() -> None:
    assert "법령 말뭉치" in render_page(report_of(cards=(("curate", {"title": "법령 말뭉치"}),)))


CURATED = {
    "files": 3,
    "records": 12345,
    "companions": [],
    "dropped": {"exact-duplicate": 2},
    "parameters": {"minHangulShare": 0.3, "mask": ["email", "phone"], "dropNearDuplicates": True},
    "more": {"a": {"b": {"c": {"d": 1}}}},
}


def test_a_card_is_a_table_in_words() -> None:
    text = render_page(report_of(cards=(("curate", CURATED),)))
    assert "<pre>" not in text
    for name, value in (
        ("Records read", "12,345"),
        ("Other files beside them", "–"),
        ("same text as an earlier document", "2"),
        ("minHangulShare", "0.3"),
        ("mask", "e-mail address, phone number"),
        ("dropNearDuplicates", "yes"),
        ("c", "{&#34;d&#34;: 1}"),
    ):
        assert f"<td>{name}</td><td>{value}</td>" in text
    assert '<th colspan="2" scope="rowgroup">Records dropped</th>' in text


def test_a_card_knows_every_word_that_curating_uses() -> None:
    from bongsu_stages.data.card import REASONS, Card
    from bongsu_stages.data.personal_kinds import Kind

    used = {*REASONS, *Kind, *Card().as_json({}, lasting_key=True)}
    assert used <= set(WORDS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_a_card_of_a_third_party_is_shown_whatever_it_holds(card: dict[str, Any]) -> None:
    rows = list(card_rows(card))
    assert [row.name for row in rows if row.depth == 0] == [WORDS.get(key, key) for key in card]
    assert all(row.value is None or isinstance(row.value, str) for row in rows)


def test_what_failed_is_told_with_the_way_to_mend_it() -> None:
    broken = (
        Broken("adapt", 1, "failed", "No <room> left.", "Free some."),
        Broken("heal", None, "failed", "Never"),
    )
    text = render_page(report_of(broken=broken))
    assert "What did not succeed" in text
    assert 'No &lt;room&gt; left.<br><span class="soft">→ Free some.</span>' in text
    assert "<td>heal</td><td>–</td>" in text
    assert "What did not succeed" not in render_page(report_of())


@given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(1, 1e6)), max_size=30))
def test_no_point_off_the_frontier_beats_one_on_it(points: list[tuple[float, float]]) -> None:
    edge = pareto(points)
    assert set(edge) <= set(points)
    for x, y in points:
        assert any(a <= x and b <= y for a, b in edge)
    assert [y for _, y in edge] == sorted({y for _, y in edge}, reverse=True)


def test_curves_and_times_of_earlier_runs_say_whose_they_are() -> None:
    bars = (Bar("adapt", 1, 0.0, 4.0, "succeeded"),)
    text = render_page(
        report_of(
            series=(Series("adapt", "loss", ((1, 7.0), (2, 6.0)), "r-0"), Series("heal", "loss", ((1, 1.0),))),
            timelines=(Timeline(bars), Timeline(bars, "r-0")),
        )
    )
    assert "adapt · r-0" in text
    assert "heal · " not in text
    assert text.count("From run r-0, ") == 1
    assert text.count("Stages over time") == 1
    assert text.count("<svg") == 3


def test_pictures_speak_the_readers_language() -> None:
    words = {
        "{name} text": "{name} 글",
        "weights on disk (MB)": "가중치",
        "held-out perplexity, lower is better": "세로",
        "optimizer step": "스텝",
        "loss (nats per token)": "손실",
        "seconds since the run began": "초",
        "{count} points": "{count}개 점",
    }
    text = render_page(
        report_of(
            variant("a", metrics={"perplexity.law": 20.0}),
            series=(Series("a", "loss", ((1, 7.0),)),),
            timelines=(Timeline((Bar("a", 1, 0.0, 4.0, "succeeded"),)),),
            nodes=tuple(GraphNode(str(n), NodeKind.RUN_STAGE, f"train {n}", "O", "train") for n in range(200)),
        ),
        "ko",
        lambda english: words.get(english, english),
    )
    for word in ("law 글", "가중치", "세로", "스텝", "손실", "초", "200개 점"):
        assert f">{word}</text>" in text or f"  {word}</text>" in text, word


def test_a_report_of_two_hundred_stages_is_no_wider_than_a_page_and_names_each() -> None:
    names = [f"stage-{n:03}" for n in range(200)]
    text = render_page(
        report_of(
            *(variant(name, metrics={"perplexity.law": 20.0 + n}) for n, name in enumerate(names)),
            series=tuple(Series(name, "loss", ((1, 7.0), (2, 6.0))) for name in names),
            timelines=(Timeline(tuple(Bar(name, 1, n, n + 1.0, "succeeded") for n, name in enumerate(names))),),
            nodes=tuple(GraphNode(name, NodeKind.RUN_STAGE, name) for name in names),
            edges=tuple(GraphEdge(a, b) for a, b in pairwise(names)),
        )
    )
    frontier, losses, times, lineage = re.findall(r"<svg.*?</svg>", text, flags=re.S)
    for picture in (frontier, losses, times, lineage):
        width = re.search(r'<svg[^>]* width="([0-9.]+)pt"', picture)
        assert width
        assert float(width[1]) <= 10.4 * 72
    for picture in (losses, times, lineage):
        assert all(f">{name}</text>" in picture for name in names)
    assert frontier.count(">stage-") == 1, "only what nothing beats is named where there are many"
