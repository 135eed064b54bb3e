"""Addresses of files that lie on this machine: ``file:PATH`` and ``package:DISTRIBUTION/PATH``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.pipeline import PipelineSpec
from bongsu.service.inputs.card import type_of
from bongsu.service.inputs.files import FileSet, NotFound, files_at, nearest_path
from bongsu.service.inputs.package import package_files

LOCAL = ("file", "package")


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
        raise NotFound(f"{rest} names a user that this machine does not have", None) from None
    if not path.exists():
        near = nearest_path(path)
        raise NotFound(f"{path} does not exist", f"file:{near}" if near else None)
    return files_at(path, f"file:{path.resolve()}")


def types_here(spec: PipelineSpec, directory: Path) -> Mapping[str, ArtifactType]:
    """What the inputs are that lie on this machine, by name; those that cannot be found are left out."""
    found = {}
    for name, given in spec.spec.inputs.items():
        scheme, _, rest = given.uri.partition(":")
        if scheme not in LOCAL:
            continue
        try:
            names = [path for path, _file in files_of(scheme, rest, directory).files]
        except (NotFound, UnknownAddress, OSError):
            continue
        found[name] = type_of(names, model=given.model is not None)
    return found
