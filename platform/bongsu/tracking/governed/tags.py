"""Tags by which the control plane knows its things: ``bongsu.label`` says what a thing is labelled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.store.model_registry.dbmodels.models import SqlModelVersionTag
from mlflow.store.tracking.dbmodels.models import (
    SqlLoggedModelParam,
    SqlLoggedModelTag,
    SqlParam,
    SqlTag,
    SqlTraceTag,
)

from bongsu.domain.grades import GradeScheme, OutsideGrades
from bongsu.domain.labels import Label
from bongsu.tracking.governed.lookalikes import reads_as
from bongsu.tracking.names import LABEL_TAG

_RESERVED = "bongsu"


def read_label(text: str, grades: GradeScheme | None = None) -> Label:
    """What a tag says.

    Args:
        text: of the tag.
        grades: of the site, by which people's words are read; None for the control plane's own.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE.
    """
    try:
        return Label.parse(text) if grades is None else grades.label(text)
    except OutsideGrades as error:
        known = ", ".join(grades.grades) if grades else ""
        raise MlflowException(
            f"{LABEL_TAG}: {error.written!r} is no grade of this site, whose grades are {known}.",
            INVALID_PARAMETER_VALUE,
        ) from error
    except ValueError as error:
        raise MlflowException(
            f"{LABEL_TAG} is no label: {text!r}; write one as S or S/logistics.", INVALID_PARAMETER_VALUE
        ) from error


def check_is_free(key: str | None) -> None:
    """Nobody else writes the control plane's tags, nor any tag or parameter that a reader would take for one: in
    capitals, in letters or figures that look alike, behind or around blanks. Raises MlflowException:
    INVALID_PARAMETER_VALUE."""
    if key is not None and reads_as(key, _RESERVED):
        raise MlflowException(
            f"Tags and parameters that begin with {_RESERVED}. are Bongsu's: {key}", INVALID_PARAMETER_VALUE
        )


def parameter_of(row: Any) -> str | None:
    """Its key; None if the row is no parameter."""
    if isinstance(row, SqlParam):
        return str(row.key)
    return str(row.param_key) if isinstance(row, SqlLoggedModelParam) else None


def key_of(row: Any) -> str | None:
    """None if the row is no tag."""
    if isinstance(row, SqlLoggedModelTag):
        return str(row.tag_key)
    return str(row.key) if isinstance(row, SqlTag | SqlTraceTag | SqlModelVersionTag) else None


def value_of(row: Any) -> str:
    return str(row.tag_value if isinstance(row, SqlLoggedModelTag) else row.value)


def labels_among(tags: Iterable[Any], grades: GradeScheme | None) -> list[Label]:
    """What the tags of a new thing say of its label; as of :func:`read_label`."""
    return [read_label(value_of(tag), grades) for tag in tags if key_of(tag) == LABEL_TAG]
