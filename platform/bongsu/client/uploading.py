"""Sending the files that a pipeline names to the server that runs it."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bongsu.client.http import Server
from bongsu.domain.codes import run as codes
from bongsu.domain.grades import GradeScheme
from bongsu.domain.ids import Digest
from bongsu.domain.pipeline import Input
from bongsu.domain.problems import BongsuError, Problem
from bongsu.machine.requirements import files_read
from bongsu.service.inputs.addresses import files_of, look_here, told
from bongsu.service.inputs.card import label_of
from bongsu.service.inputs.files import FileSet
from bongsu.service.placing import placed_problem
from bongsu.specfile import LoadedPipeline

_PIECE = 1 << 20


def upload_inputs(
    server: Server, loaded: LoadedPipeline, directory: Path, grades: GradeScheme
) -> dict[str, Digest]:
    """Digests of the trees of all ``file:`` inputs, by their names; the server has them afterwards. ``grades`` are of
    its site.

    Raises:
        BongsuError: ``run.input-missing`` for each that cannot be found; what the server refuses.
    """
    found: dict[str, Digest] = {}
    for name, given in loaded.spec.spec.inputs.items():
        scheme, _, rest = given.uri.partition(":")
        if scheme != "file":
            continue
        with told(name, given, loaded.places.locate(("spec", "inputs", name))):
            files = files_of(scheme, rest, directory)
            label = label_of(files, grades)
        stated = {"label": str(label) if label else "", "isModel": given.model is not None}
        answer = upload_files(server, loaded.spec.metadata.ministry, files, title_of(given), stated)
        found[name] = Digest(answer["digest"])
    return found


@contextmanager
def files_judged_here(loaded: LoadedPipeline, directory: Path) -> Iterator[None]:
    """What the server says of ``file:`` inputs that it was not sent is replaced by what is found on this machine.

    Raises:
        BongsuError: everything else that the server says, and ``run.input-missing`` for what cannot be found here.
    """
    try:
        yield
    except BongsuError as error:
        named = {name for name, given in loaded.spec.spec.inputs.items() if given.uri.startswith("file:")}
        fields = {f"spec.inputs.{name}" for name in named}

        def is_theirs(problem: Problem) -> bool:
            return problem.code.name != codes.INPUT_MISSING.name or problem.field_path not in fields

        missing = [one for one in look_here(loaded.spec, directory).missing if one.field_path in fields]
        here = [placed_problem(loaded, one) for one in missing]
        raise BongsuError([*filter(is_theirs, error.problems), *here]) from error


def title_of(given: Input) -> str:
    """What the files are called on this machine, without the way to them."""
    return given.uri.rstrip("/").rpartition("/")[2].removeprefix("file:")[:200] or "files"


def upload_files(server: Server, ministry: str, files: FileSet, title: str, stated: dict[str, Any]) -> Any:
    """Send files as one artifact; the server's word about it."""
    path = f"/v1/ministries/{ministry}/artifacts"
    return server.upload(path, lambda: _archive(files), title=title, **stated)


def files_beside(loaded: LoadedPipeline, directory: Path) -> dict[str, str]:
    """The requirements files that stages name, and those that they include, by paths relative to the pipeline; one
    that cannot be read is left out, and the server says so."""
    found: dict[str, str] = {}
    for stage in loaded.spec.spec.stages:
        path = stage.environment.requirements if stage.environment else None
        if path:
            with suppress(OSError, UnicodeDecodeError):
                read = files_read(path, lambda name: (directory / name).read_bytes())
                found |= {name: content.decode() for name, content in read.items()}
    return found


def _archive(files: FileSet) -> Iterator[bytes]:
    """A tar archive of the files, piece by piece: names and bytes, and nothing of whose they are."""
    for name, path in files.files:
        with path.open("rb") as file:
            member = tarfile.TarInfo(name)
            member.size = size = path.stat().st_size
            yield member.tobuf(tarfile.PAX_FORMAT)
            sent = 0
            while sent < size:
                piece = file.read(min(_PIECE, size - sent))
                if not piece:
                    raise OSError(f"{path} became shorter while it was sent")
                sent += len(piece)
                yield piece
        yield bytes(-size % tarfile.BLOCKSIZE)
    end = io.BytesIO()
    end.write(bytes(2 * tarfile.BLOCKSIZE))
    yield end.getvalue()
