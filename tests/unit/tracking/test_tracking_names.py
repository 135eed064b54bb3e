"""Names of figures, as MLflow takes them: its own rules are the judge."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from mlflow.utils.validation import MAX_ENTITY_KEY_LENGTH, path_not_unique, validate_param_and_metric_name

from bongsu.tracking.names import MAX_LENGTH, allowed_name, allowed_names

NAMES = st.text(max_size=300) | st.text(alphabet="./_ a봉?!:-", max_size=12)


def is_taken(name: str) -> bool:
    assert MAX_ENTITY_KEY_LENGTH == MAX_LENGTH
    return bool(validate_param_and_metric_name(name)) and not path_not_unique(name) and len(name) <= MAX_LENGTH


@given(NAMES)
@example("")
@example("..loss")
@example("a//b/")
@example("x" * 251)
def test_every_name_becomes_one_that_mlflow_takes(name: str) -> None:
    assert is_taken(allowed_name(name))


# The pattern of MLflow ends in `$`, which lets a newline at the end pass that nobody means.
@given(NAMES.filter(is_taken).filter(lambda name: not name.endswith("\n")))
def test_a_name_that_mlflow_takes_stays(name: str) -> None:
    assert allowed_name(name) == name


@given(st.lists(NAMES, max_size=8))
@example(["a?", "a!", "a_", "a?"])
def test_several_names_stay_apart(names: list[str]) -> None:
    found = allowed_names(names)
    assert set(found) == set(names)
    assert len(set(found.values())) == len(found)
    assert all(map(is_taken, found.values()))
