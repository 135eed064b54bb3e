"""Addresses of files that lie on this machine: ``file:PATH`` and ``package:DISTRIBUTION/PATH``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.codes import run as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import as_phrase, phrase
from bongsu.domain.pipeline import Input, PipelineSpec
from bongsu.domain.problems import BongsuError, Location, Problem
from bongsu.service.inputs.card import type_of
from bongsu.service.inputs.files import FileSet, NotFound, files_at, nearest_path
from bongsu.service.inputs.package import package_files

LOCAL = ("file", "package")


# What the kernel tells of processes and devices, the secrets of this process among it.
_OF_THE_KERNEL = ("/proc", "/sys")


class UnknownAddress(Exception):
    """The address has no known form."""


def files_of(scheme: str, rest: str, directory: Path) -> FileSet:
    """The files at ``scheme:rest``; the scheme is one of ``LOCAL``, and paths are relative to ``directory``.

    Raises NotFound, UnknownAddress.
    """
    if scheme == "package":
        name, _, inside = rest.partition("/")
        if not name or not inside:
            raise UnknownAddress
        return package_files(name, inside)
    if not rest:
        raise UnknownAddress
    try:
        path = (directory / Path(rest.removeprefix("//")).expanduser()).absolute()
    except RuntimeError:  # pathlib's word for a user that this machine does not have
        raise NotFound(phrase(N_("{path} names a user that this machine does not have"), path=rest)) from None
    if not path.exists():
        near = nearest_path(path)
        raise NotFound(phrase(N_("{path} does not exist"), path=path), f"file:{near}" if near else None)
    whole = path.resolve()
    if any(whole.is_relative_to(folder) for folder in _OF_THE_KERNEL):
        raise NotFound(phrase(N_("{path} is no file of a disk"), path=path))
    return files_at(path, f"file:{whole}")


@contextmanager
def told(name: str, given: Input, place: Location | None = None) -> Iterator[None]:
    """Whatever keeps an input from being found, as a problem of the file.

    Raises:
        BongsuError: ``run.input-scheme``, ``run.input-missing``.
    """
    args: dict[str, Any] = {"name": name, "uri": given.uri}
    field = f"spec.inputs.{name}"
    try:
        yield
    except UnknownAddress:
        raise codes.INPUT_SCHEME.error(place, field, **args) from None
    except NotFound as error:
        args |= {"detail": as_phrase(error.detail), "suggestion": error.suggestion}
        raise codes.INPUT_MISSING.error(place, field, **args) from error
    except OSError as error:
        raise codes.INPUT_MISSING.error(place, field, **args, detail=str(error)) from error


def not_masked_here(name: str, given: Input) -> Problem:
    """The warning about documents of which no run here is known to be the maker."""
    return codes.NOT_MASKED_HERE.at(None, f"spec.inputs.{name}", name=name, uri=given.uri)


@dataclass(frozen=True)
class FoundHere:
    """What inputs are that lie on this machine, by name, and why others cannot be found."""

    types: Mapping[str, ArtifactType]
    missing: tuple[Problem, ...]


def _opened(files: Mapping[str, Path], name: str) -> BinaryIO:
    return files[name].open("rb")


def look_here(spec: PipelineSpec, directory: Path) -> FoundHere:
    """Look for the inputs whose addresses are of this machine."""
    types: dict[str, ArtifactType] = {}
    missing: list[Problem] = []
    for name, given in spec.spec.inputs.items():
        scheme, _, rest = given.uri.partition(":")
        if scheme not in LOCAL:
            continue
        try:
            with told(name, given):
                files = dict(files_of(scheme, rest, directory).files)
                types[name] = type_of(files, partial(_opened, files), model=given.model is not None)
        except BongsuError as error:
            missing += error.problems
    return FoundHere(types, tuple(missing))
