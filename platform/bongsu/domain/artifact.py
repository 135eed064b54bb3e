"""Artifacts: immutable file trees, known by the digest of their content.

The digest of a tree is the SHA-256 of its canonical listing: for each file, sorted by path in byte order,
the line ``<sha256 hex> <size> <path>\\n`` in UTF-8. Where the bytes lie is not part of it.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field

from bongsu.domain.codes import artifact as codes
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.unseen import first_unseen

LONGEST_NAME = 255
"""Bytes of a file's or folder's name: file systems hold no longer ones."""


class ArtifactType(StrEnum):
    """What a tree is, so that a pipeline can be type-checked before it runs."""

    FILES = "files"
    DOCUMENTS = "documents"
    TOKENS = "tokens"
    MODEL = "model"
    EVALUATION = "evaluation"
    VERIFICATION = "verification"
    REGISTRATION = "registration"

    def accepts(self, other: ArtifactType) -> bool:
        """``files`` takes anything; every other type takes only itself."""
        return self is ArtifactType.FILES or self is other


class FileEntry(BaseModel):
    """One file of a tree: POSIX relative path, size in bytes, SHA-256 in hex."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    size: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Manifest(BaseModel):
    """The listing of a tree. ``digest`` identifies it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[FileEntry, ...]

    @property
    def digest(self) -> Digest:
        rows = sorted(self.files, key=lambda f: f.path.encode())
        return digest_of("".join(f"{f.sha256} {f.size} {f.path}\n" for f in rows).encode())

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(f.size for f in self.files)


class ArtifactRef(BaseModel):
    """How runs, caches and lineage speak of an artifact: digest, type, label and size in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: Digest
    type: ArtifactType
    label: Label = OPEN
    size: int = Field(default=0, ge=0)


def check_tree_path(path: str) -> str:
    """Return ``path`` if it may be a file of a tree, else raise ``artifact.unsafe-path``."""
    pure = PurePosixPath(path)
    detail = ""
    if not path or path != str(pure):
        detail = "it is not in its shortest form"
    elif pure.is_absolute():
        detail = "it is absolute"
    elif ".." in pure.parts:
        detail = "it climbs out of the tree"
    elif any(ord(char) < 32 or char in "\\\x7f" for char in path):
        detail = "it has a control character or a backslash"
    elif len(path.encode("utf-8", "surrogatepass")) > 1024:
        detail = "it is longer than 1,024 bytes"
    elif any(len(part.encode("utf-8", "surrogatepass")) > LONGEST_NAME for part in pure.parts):
        detail = "it has a name longer than 255 bytes"
    elif any(0xD800 <= ord(char) <= 0xDFFF for char in path):
        detail = "it is not valid UTF-8"
    elif unseen := first_unseen(path):
        detail = f"it holds {unseen}, which nobody sees"
    if detail:
        raise codes.UNSAFE_PATH.error(path=repr(path), detail=detail)
    return path
