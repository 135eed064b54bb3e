"""Each name under which a statement reads a governed table has a criterion that speaks of it."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.store.tracking.dbmodels.models import SqlTraceInfo, SqlTraceTag
from sqlalchemy import Select, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased, with_loader_criteria

from bongsu.tracking.governed.criteria import CRITERIA, LoaderCriteria, criterion_of
from bongsu.tracking.governed.row_filter import _is_narrowed

READING = LoaderCriteria(unsealed=False)
FORMS = {"sqlite": sqlite.dialect(), "postgresql": postgresql.dialect()}
GOVERNED = [mapped for mapped in CRITERIA if mapped.__tablename__ != "workspaces"]  # type: ignore[attr-defined]


def text_of(statement: Select[Any], form: str = "sqlite") -> str:
    return str(statement.options(*READING.of(statement)).compile(dialect=FORMS[form]))


def archived() -> tuple[Select[Any], Any, Any]:
    """As MLflow looks for archived traces before it deletes any."""
    place, archive = aliased(SqlTraceTag), aliased(SqlTraceTag)
    statement = (
        select(SqlTraceInfo.request_id, archive.value)
        .outerjoin(place, (place.request_id == SqlTraceInfo.request_id) & (place.key == "place"))
        .outerjoin(archive, (archive.request_id == SqlTraceInfo.request_id) & (archive.key == "archive"))
        .where(place.value == "archived")
    )
    return statement, place, archive


@pytest.mark.parametrize("form", FORMS)
def test_each_of_two_aliases_of_a_table_is_measured_by_its_own_rows(form: str) -> None:
    text = text_of(archived()[0], form)
    measured = re.findall(r"bongsu_marks\.thing = (\w+)\.request_id", text)
    assert sorted(measured) == ["trace_info", "trace_tags_1", "trace_tags_2"]
    assert text.count("FROM bongsu_marks, ") == 0
    assert _is_narrowed(text, False)


def test_what_sqlalchemy_makes_of_criteria_without_us_is_refused() -> None:
    """So that it is noticed if there is nothing to mend any more."""
    statement, _place, _archive = archived()
    plain = [
        with_loader_criteria(mapped, criterion_of(mapped, False), include_aliases=True)
        for mapped in (SqlTraceInfo, SqlTraceTag)
    ]
    text = str(statement.options(*plain).compile(dialect=FORMS["sqlite"]))
    assert "FROM bongsu_marks, trace_tags" in text
    assert not _is_narrowed(text, False)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(GOVERNED),
    st.lists(st.tuples(st.sampled_from(GOVERNED), st.booleans(), st.booleans()), min_size=1, max_size=4),
    st.sampled_from(sorted(FORMS)),
)
def test_whatever_is_joined_is_narrowed(first: type, joined: list[tuple[type, bool, bool]], form: str) -> None:
    statement: Select[Any] = select(first).select_from(first)
    for mapped, is_outer, is_shown in joined:
        alias = aliased(mapped)
        statement = statement.join(alias, true(), isouter=is_outer)
        if is_shown:
            statement = statement.add_columns(alias)
    text = text_of(statement, form)
    assert _is_narrowed(text, False)
    names = re.findall(r"JOIN \w+ AS (\w+) ON", text)
    assert len(names) == len(joined)
    for name in names:
        assert re.search(rf"(bongsu_marks\.thing = |bongsu_edge\.input_uuid = |CAST\(){name}\.", text), (name, text)


def test_statements_of_one_shape_share_what_is_compiled_and_others_do_not() -> None:
    keys = [
        statement.options(*READING.of(statement))._generate_cache_key()
        for statement in (archived()[0], archived()[0], archived()[0].where(SqlTraceInfo.status == "OK"))
    ]
    assert None not in keys
    same, other = itertools.pairwise(keys)
    assert same[0] == same[1]
    assert other[0] != other[1]
