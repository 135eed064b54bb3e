"""What people name and describe in MLflow is read by the screen of forbidden uses, as pipelines are.

It is read where MLflow's unit of work is about to write it, so in whatever form a client sent it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlflow.prompt.constants import PROMPT_TEXT_TAG_KEY
from mlflow.store.model_registry.dbmodels import models as registry
from mlflow.store.tracking.dbmodels import models as tracking
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME, MLFLOW_RUN_NOTE
from mlflow.utils.name_utils import _GENERATOR_NOUNS, _GENERATOR_PREDICATES
from sqlalchemy import inspect

from bongsu.policy import purpose
from bongsu.tracking.governed.refusals import denied

MOST_READ = 4_000
"""Characters of a text that are read, as of cards of what is uploaded."""
TAGS = frozenset({MLFLOW_RUN_NOTE, MLFLOW_RUN_NAME, PROMPT_TEXT_TAG_KEY})
"""In which somebody names or describes something: notes of everything, names of runs, texts of prompts."""
_DRAWN = re.compile(f"(?:{'|'.join(_GENERATOR_PREDICATES)})-(?:{'|'.join(_GENERATOR_NOUNS)})-[0-9]{{1,4}}")
_FIELDS: Mapping[type, tuple[str, ...]] = {
    tracking.SqlExperiment: ("name",),
    tracking.SqlRun: ("name",),
    tracking.SqlLoggedModel: ("name",),
    registry.SqlRegisteredModel: ("name", "description"),
    registry.SqlModelVersion: ("description",),
}
_TAG_COLUMNS: Mapping[type, tuple[str, str]] = {
    tracking.SqlTag: ("key", "value"),
    tracking.SqlExperimentTag: ("key", "value"),
    tracking.SqlLoggedModelTag: ("tag_key", "tag_value"),
    registry.SqlRegisteredModelTag: ("key", "value"),
    registry.SqlModelVersionTag: ("key", "value"),
}


def check_rows(rows: Iterable[Any], new: set[Any]) -> None:
    """Raises MlflowException: PERMISSION_DENIED, for a name or a description that names a forbidden use.

    Args:
        rows: that are about to be written.
        new: those of them that were not there before; of the others, what is changed is read.
    """
    _check([one for row in rows for one in _texts(row, row in new)])


def check_tags(written: Iterable[tuple[str, str]]) -> None:
    """The same for keys and values of tags."""
    _check([(key, value) for key, value in written if key in TAGS])


def _texts(row: Any, is_new: bool) -> Iterable[tuple[str, str]]:
    kind = type(row)
    if kind in _TAG_COLUMNS:
        key, value = (getattr(row, name) for name in _TAG_COLUMNS[kind])
        return [(key, value)] if key in TAGS else []
    parts = inspect(row).attrs
    names = [name for name in _FIELDS.get(kind, ()) if is_new or parts[name].history.has_changes()]
    return [(name, getattr(row, name)) for name in names]


def _check(texts: Sequence[tuple[str, str | None]]) -> None:
    read = [(name, text[:MOST_READ]) for name, text in texts if text and not _is_drawn(text)]
    problems = [one for name, text in read for one in purpose.problems({name: text})]
    if problems:
        raise denied(*problems)


def _is_drawn(name: str) -> bool:
    """Whether it is one of the names that MLflow draws for runs. Nobody says anything by `selective-ram-7`, which the
    screen would refuse."""
    return _DRAWN.fullmatch(name) is not None
