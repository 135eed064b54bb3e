"""One thing has one name, however people spell it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.object_names import is_object, object_name

DIGEST = "sha256-" + "0a" * 32


@pytest.mark.parametrize("text", ["axk1/3", "axk1@3", "model:axk1/3", "model:axk1@3", "models:/axk1/3", " axk1/3 "])
def test_a_model_has_one_name(text: str) -> None:
    assert object_name(text) == "model:axk1/3"


@pytest.mark.parametrize("text", ["law/1", "law@1", "dataset:law/1", "datasets:/law/1"])
def test_a_data_set_has_one_name(text: str) -> None:
    assert object_name(text, "dataset") == "dataset:law/1"


@pytest.mark.parametrize(
    "text", ["axk1", "axk1@production", "model:axk1", "models://mnd/axk1/3", "axk1/0", "a/b/3"]
)
def test_what_names_no_version_stays_as_it_is(text: str) -> None:
    assert object_name(text) == text
    assert not is_object(text)


@given(st.text())
def test_the_one_name_is_its_own(text: str) -> None:
    for written in (text, f"{text}/1", f"model:{text}@2", DIGEST):
        name = object_name(written)
        assert object_name(name) == name
