"""Data sets under a name: registering one, and listing them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.codes import run as codes
from bongsu.domain.labels import OPEN, Grade, Label
from bongsu.domain.paging import WHOLE, PageRequest
from bongsu.domain.pipeline import Input
from bongsu.domain.problems import BongsuError
from bongsu.service.governance.texts import check_declared
from bongsu.service.grades import grades_of, refuse_other_grades, refuse_while_stating
from bongsu.service.inputs.file_roots import Files
from bongsu.service.inputs.resolving import resolve_input
from bongsu.service.labels import refuse_above, stated_label
from bongsu.service.platform import Platform
from bongsu.service.recording import OF_LABELS, Ask, refusals_recorded
from bongsu.service.repeating import held_result, note_result, request_key
from bongsu.store import datasets
from bongsu.store.artifacts import find_owned, note_artifact
from bongsu.store.audit import append_all
from bongsu.store.locks import hold_labels
from bongsu.store.receipts import label_at_givers, rise
from bongsu.store.records import DatasetVersionRecord

# A data set's version as the store has it; nothing is to be added for those who look at it.
DatasetVersion = DatasetVersionRecord
_LONGEST_ORIGIN = 300
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def register_dataset(
    platform: Platform,
    name: str,
    uri: str,
    directory: Path,
    grade: Grade | None = None,
    compartments: Iterable[str] = (),
    key: str = "",
) -> DatasetVersion:
    """Give a data set a name and a version, so that pipelines can take it as ``datasets:/NAME/VERSION``.

    Args:
        platform: what to work on.
        name: of the data set; lower-case letters, digits and hyphens.
        uri: ``file:``, ``package:`` or ``artifact:``, as in a pipeline.
        directory: what ``file:`` is relative to.
        grade, compartments: its label, if it is higher than its card says or if nobody here knows it.
        key: of the request, as its client gave it. One that comes again finds the version that it made, or found.

    Returns:
        The version: the newest one if the bytes and the label are the same, else a new one.

    Raises:
        BongsuError: ``run.dataset-name``, ``run.compartment-name``, ``run.input-missing``, ``run.input-scheme``;
            ``label.grade-outside``; ``access.above-clearance`` (recorded); ``policy.forbidden-use`` (recorded) for
            what its name or address declares; ``run.unknown-dataset`` for a version that was made before and carries
            more by now than who asks may see; ``api.key-used-otherwise``.
    """
    ask = Ask.of(platform, "dataset.add", f"dataset:{name}")
    check_declared(ask, {"name": name, "uri": uri})
    if not _NAME.fullmatch(name):
        raise codes.DATASET_NAME.error(name=name)
    stated = stated_label(grade or Grade.OPEN, compartments)
    label = stated if grade is not None or stated.compartments else None
    refuse_other_grades(grades_of(platform), stated)
    ask = replace(ask, stated=stated)
    with refusals_recorded(ask, OF_LABELS):
        refuse_above(platform.scope.clearance, stated)
    asked_for = ask.action, platform.scope.tenant, name, uri, str(label or "")
    request = request_key(platform.actor.id, key, *asked_for)
    with _at_address():
        resolved = resolve_input(platform, name, Input(dataset=uri, label=label), Files(directory))
    with refusals_recorded(ask, OF_LABELS) as asked, platform.write() as connection:
        now = platform.clock()
        if (made := held_result(connection, request, now)) is not None:
            return _version(connection, name, int(made))
        hold_labels(connection)
        at_givers = label_at_givers(connection, resolved.ref.digest) or OPEN
        ref = resolved.ref.model_copy(update={"label": resolved.ref.label.join(at_givers)})
        refuse_while_stating(connection, ref.label)
        risen = note_artifact(connection, ref, name, now)
        ref = _as_known(connection, ref)
        asked.states(ref.label)
        refuse_above(platform.scope.clearance, ref.label)
        before = datasets.find_dataset_version(connection, name)
        number = datasets.add_dataset_version(connection, name, ref, uri, now)
        version = datasets.find_dataset_version(connection, name, number)
        assert version is not None  # its label is one that who asks may state, so they see it
        events = rise(connection, platform.author, risen, now)
        if before is None or number != before.version:
            facts: dict[str, Any] = {"digest": version.digest, "origin": uri[:_LONGEST_ORIGIN]}
            label = Label.parse(version.label)
            events += replace(ask, object=f"dataset:{name}/{number}").entries(label, **facts)
        note_result(connection, request, str(number), now)
        append_all(connection, events)
        return version


@contextmanager
def _at_address() -> Iterator[None]:
    """What is wrong with the address is told of it: there is no pipeline that it stands in."""
    try:
        yield
    except BongsuError as error:
        raise BongsuError(replace(problem, field_path="address") for problem in error.problems) from error


def list_datasets(platform: Platform, name: str | None = None, wanted: PageRequest = WHOLE) -> list[DatasetVersion]:
    """By name, newest version first."""
    with platform.read() as connection:
        return datasets.list_dataset_versions(connection, name, wanted)


def show_dataset(platform: Platform, name: str, version: int) -> DatasetVersion:
    """One version of a data set of one's own ministry. Raises ``run.unknown-dataset``."""
    with platform.read() as connection:
        return _version(connection, name, version)


def _version(connection: Connection, name: str, version: int) -> DatasetVersion:
    found = datasets.find_dataset_version(connection, name, version)
    if found is None:
        raise codes.UNKNOWN_DATASET.error(dataset=f"datasets:/{name}/{version}")
    return found


def _as_known(connection: Connection, ref: ArtifactRef) -> ArtifactRef:
    """With the label that the bytes carry now, which may be higher than when they were looked at."""
    known = find_owned(connection, ref.digest)
    return ref if known is None else ref.model_copy(update={"label": Label.parse(known.label)})
