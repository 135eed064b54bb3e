"""Every input of a pipeline, resolved for the planner; all that cannot be found is told together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection

from bongsu.domain.artifact import ArtifactRef, ArtifactType, check_tree_path
from bongsu.domain.codes import run as codes
from bongsu.domain.ids import DIGEST_PATTERN, Digest
from bongsu.domain.labels import Label, high_water_mark
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, as_phrase, phrase
from bongsu.domain.pipeline import Input, PipelineSpec
from bongsu.domain.problems import BongsuError, Location, Problem
from bongsu.domain.shared import SharedAddress
from bongsu.domain.suggest import closest
from bongsu.domain.uses import UseClass
from bongsu.planner.facts import ResolvedInput
from bongsu.service.grades import grades_of
from bongsu.service.inputs.addresses import LOCAL, UnknownAddress, files_of, not_masked_here, told
from bongsu.service.inputs.bringing import NOT_SHARED
from bongsu.service.inputs.card import UnreadableConfig, config_of, label_of, type_of
from bongsu.service.inputs.file_roots import Files
from bongsu.service.inputs.files import FileSet, NotFound
from bongsu.service.inputs.importing import import_files
from bongsu.service.inputs.stored import UnknownLabel, known_label, label_in_store
from bongsu.service.platform import Platform
from bongsu.service.sharing import Received, find_received, note_taken
from bongsu.store import datasets, models
from bongsu.store.artifacts import find_owned, get_artifact, note_artifact
from bongsu.store.audit import append_all
from bongsu.store.receipts import rise, was_shared
from bongsu.store.version_pages import number_in

Locate = Callable[[str], Location | None]
_CONFIG = "config.json"
_MAX_CONFIG_BYTES = 4_000_000


def resolve_inputs(
    platform: Platform, spec: PipelineSpec, files: Files, locate: Locate = lambda _name: None
) -> Mapping[str, ResolvedInput]:
    """Find every input, and take files into the artifact store. What another ministry shares is looked at where it
    lies: a run takes it (:func:`bongsu.service.inputs.bringing.bring`), and no plan.

    Args:
        platform: what to work on.
        spec: its inputs are resolved.
        files: where those lie that the pipeline names.
        locate: place of an input (by name) in the file, for messages.

    Raises:
        BongsuError: ``run.input-missing``, ``run.input-scheme``, ``run.input-not-a-model``, ``run.label-unknown``,
            ``artifact.corrupt``; all together.
    """
    found: dict[str, ResolvedInput] = {}
    problems: list[Problem] = []
    for name, given in spec.spec.inputs.items():
        try:
            found[name] = resolve_input(platform, name, given, files, locate(name), spec.spec.purpose.use_class)
        except BongsuError as error:
            problems += error.problems
    if problems:
        raise BongsuError(problems)
    return found


def masked_elsewhere(
    platform: Platform, inputs: Mapping[str, Input], found: Mapping[str, ResolvedInput]
) -> Iterator[Problem]:
    """A warning for each input of documents that no run here has made: nobody here saw them masked."""
    for name, input_ in found.items():
        if input_.ref.type is ArtifactType.DOCUMENTS:
            with platform.read() as connection:
                known = get_artifact(connection, input_.ref.digest)
            if known is None or known.run_id is None:
                yield not_masked_here(name, inputs[name])


def resolve_input(
    platform: Platform,
    name: str,
    given: Input,
    files: Files,
    place: Location | None = None,
    purpose: UseClass | None = None,
) -> ResolvedInput:
    """One input; arguments and errors as of :func:`resolve_inputs`. Without a ``purpose`` nothing of another ministry
    is found."""
    with _all_told(name, given, place):
        return _resolve(platform, files.address_of(name, given), files.directory, purpose)


def faulty_inputs(
    platform: Platform, inputs: Mapping[str, Input], files: Files, purpose: UseClass | None
) -> Iterator[Problem]:
    """What is wrong with inputs, as far as their files tell without being read as a whole; nothing is taken into the
    artifact store. Without a ``purpose`` nothing is said of what another ministry may share."""
    for name, given in inputs.items():
        if purpose is None and SharedAddress.parse(given.uri) is not None:
            continue
        try:
            with _all_told(name, given, None):
                found = _find(platform, files.address_of(name, given), files.directory, purpose)
                if isinstance(found, FileSet):
                    for path, _ in found.files:
                        check_tree_path(path)
                    label_of(found, grades_of(platform))
                    _label_in_store(platform, found, given.label)
                if given.model is not None:
                    _look_for_config(platform, found)
        except BongsuError as error:
            yield from error.problems


class _NotAModel(Exception):
    """The tree is not a model."""

    def __init__(self, detail: Words) -> None:
        super().__init__(str(detail))
        self.detail = detail


@contextmanager
def _all_told(name: str, given: Input, place: Location | None) -> Iterator[None]:
    """As :func:`told`, and that it is no model or that nobody knows its label."""
    field = f"spec.inputs.{name}"
    try:
        with told(name, given, place):
            yield
    except UnknownLabel:
        raise codes.LABEL_UNKNOWN.error(place, field, name=name, uri=given.uri) from None
    except _NotAModel as error:
        args = {"name": name, "uri": given.uri, "detail": as_phrase(error.detail)}
        raise codes.INPUT_NOT_A_MODEL.error(place, field, **args) from error
    except BongsuError as error:  # the artifact store does not know of whom it speaks
        raise BongsuError(
            replace(problem, location=problem.location or place, field_path=problem.field_path or field)
            for problem in error.problems
        ) from error


@dataclass(frozen=True)
class _Tree:
    """A tree in the store, with the label that is known of it, if any."""

    digest: Digest
    size: int
    label: Label | None


def _resolve(platform: Platform, given: Input, directory: Path, purpose: UseClass | None) -> ResolvedInput:
    """The label is the least upper bound of what the pipeline states, what the tree's card says and what the store
    knows of these bytes and of the artifacts that they are part of: an input cannot be stated to be less than it is
    known to be."""
    found = _find(platform, given, directory, purpose)
    if isinstance(found, Received):
        note_taken(platform, found)
        reader = platform.stores(found.giver).reader(found.digest)
        tree = _Tree(found.digest, reader.manifest.size, found.label)
    else:
        tree = _import(platform, found, given.label) if isinstance(found, FileSet) else found
        reader = platform.artifacts.reader(tree.digest)
    reader.check_sizes()
    names = [entry.path for entry in reader.manifest.files]
    config = _config(names, reader.open) if given.model is not None else {}
    label = high_water_mark(
        label for label in (given.label, tree.label, known_label(platform, tree.digest)) if label
    )
    type_ = type_of(names, reader.open, model=given.model is not None)
    if tree.label is not None and not isinstance(found, Received):
        on_card = ArtifactRef(digest=tree.digest, type=type_, label=tree.label, size=tree.size)
        _remember_label(platform, on_card, given.uri)
    return ResolvedInput(ArtifactRef(digest=tree.digest, type=type_, label=label, size=tree.size), config)


def _remember_label(platform: Platform, ref: ArtifactRef, uri: str) -> None:
    """From now on these bytes are not less than that, by whatever address somebody gives them."""
    known = known_label(platform, ref.digest) or Label()
    if known.join(ref.label) == known or platform.database.read_only:
        return
    with platform.write() as connection:
        now = platform.clock()
        risen = note_artifact(connection, ref.model_copy(update={"label": known.join(ref.label)}), uri, now)
        append_all(connection, rise(connection, platform.author, risen, now))


def _find(
    platform: Platform, given: Input, directory: Path, purpose: UseClass | None
) -> FileSet | _Tree | Received:
    scheme, _, rest = given.uri.partition(":")
    address = SharedAddress.parse(given.uri)
    if address is not None:
        return _shared(platform, address, purpose)
    if scheme in LOCAL:
        return files_of(scheme, rest, directory)
    if scheme == "artifact":
        return _artifact(platform, rest, given.label)
    if scheme == "models":
        return _model(platform, given.uri)
    if scheme == "datasets":
        return _dataset(platform, rest)
    raise UnknownAddress


def _import(platform: Platform, files: FileSet, given: Label | None) -> _Tree:
    in_store = _label_in_store(platform, files, given)
    stated = [label for label in (label_of(files, grades_of(platform)), in_store) if label is not None]
    digest, size = import_files(platform, files)
    return _Tree(digest, size, high_water_mark(stated) if stated else None)


def _label_in_store(platform: Platform, files: FileSet, given: Label | None) -> Label | None:
    """Raises UnknownLabel where nobody has ``given`` one either."""
    try:
        return label_in_store(platform, files)
    except UnknownLabel:
        if given is None:
            raise
        return None


def _artifact(platform: Platform, digest: str, given: Label | None) -> _Tree:
    if not DIGEST_PATTERN.fullmatch(digest):
        raise UnknownAddress
    with platform.read() as connection:
        is_known = find_owned(connection, digest) is not None
        is_hidden = get_artifact(connection, digest) is None if is_known else was_shared(connection, Digest(digest))
    if is_hidden or not platform.artifacts.has(Digest(digest)):
        raise NotFound(N_("it is not in the artifact store"))
    if given is None and known_label(platform, Digest(digest)) is None:
        raise UnknownLabel
    return _Tree(Digest(digest), platform.artifacts.reader(Digest(digest)).manifest.size, None)


def _model(platform: Platform, uri: str) -> _Tree:
    with platform.read() as connection:
        try:
            version = models.find_version(connection, uri)
        except BongsuError:
            name = uri.removeprefix("models:/").partition("/")[0].partition("@")[0]
            known = models.model_names_near(connection, name)
            raise NotFound(N_("no such version is registered"), _models_like(name, known)) from None
    if not platform.artifacts.has(version.digest):
        raise _gone(version.digest)
    size = platform.artifacts.reader(version.digest).manifest.size
    return _Tree(version.digest, size, Label.parse(version.label))


def _models_like(name: str, known: Collection[str]) -> str | None:
    best = name if name in known else closest(name, known)
    return f"models:/{best}" if best else None


def _dataset(platform: Platform, rest: str) -> _Tree:
    name, _, version = rest.lstrip("/").partition("/")
    number = number_in(version)
    with platform.read() as connection:
        wanted = datasets.find_dataset_version(connection, name, number) if number is not None else None
        if wanted is None:
            raise NotFound(N_("no such version is registered"), _dataset_like(connection, name))
    if not platform.artifacts.has(wanted.digest):
        raise _gone(wanted.digest)
    return _Tree(wanted.digest, wanted.size, Label.parse(wanted.label))


def _dataset_like(connection: Connection, name: str) -> str | None:
    newest = datasets.find_dataset_version(connection, name)
    if newest is not None:
        return f"datasets:/{name}/{newest.version}"
    best = closest(name, datasets.dataset_names_near(connection, name))
    return f"datasets:/{best}/..." if best else None


def _shared(platform: Platform, address: SharedAddress, purpose: UseClass | None) -> Received:
    found = find_received(platform, address, purpose) if purpose is not None else None
    if found is None:
        raise NotFound(NOT_SHARED)
    if not platform.stores(found.giver).has(found.digest):
        raise _gone(found.digest)
    return found


def _gone(digest: Digest) -> NotFound:
    return NotFound(phrase(N_("its bytes ({digest}) are no longer in the artifact store"), digest=digest))


def _look_for_config(platform: Platform, found: FileSet | _Tree | Received) -> None:
    """Raises _NotAModel."""
    if isinstance(found, FileSet):
        files = dict(found.files)
        _config(files, lambda name: files[name].open("rb"))
    else:
        store = platform.stores(found.giver) if isinstance(found, Received) else platform.artifacts
        reader = store.reader(found.digest)
        _config([entry.path for entry in reader.manifest.files], reader.open)


def _config(names: Collection[str], opened: Callable[[str], BinaryIO]) -> dict[str, Any]:
    if _CONFIG not in names:
        raise _NotAModel(phrase(N_("it has no {file}"), file=_CONFIG))
    with opened(_CONFIG) as file:
        text = file.read(_MAX_CONFIG_BYTES).decode("utf-8", "replace")
    try:
        return config_of(text)
    except UnreadableConfig as error:
        why = phrase(N_("its {file} cannot be read: {detail}"), file=_CONFIG, detail=as_phrase(error.detail))
        raise _NotAModel(why) from error
