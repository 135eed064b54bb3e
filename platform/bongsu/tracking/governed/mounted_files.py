"""MLflow's artifact root: files that people logged, and the control plane's trees that model versions point to.

MLflow asks for both below one address; whether the asker may see what is there was decided before (see ``shell``).
"""

from __future__ import annotations

import posixpath
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlparse

from mlflow.entities import FileInfo
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED, RESOURCE_DOES_NOT_EXIST
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import (
    _artifact_repository_registry,
    get_artifact_repository,
)

from bongsu.artifacts.base import StoreOf, TreeReader
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.tracking.governed.artifact_paths import OfTree, resolve
from bongsu.tracking.governed.settings import DESTINATION_SCHEME, GovernedSettings


class MountedFiles(ArtifactRepository):  # type: ignore[misc]  # mlflow has no types
    """See the module's docstring.

    Args:
        artifact_uri: ``bongsu-mount:/`` or a directory below it.
        files_uri: where logged files lie.
        trees: opens the control plane's artifact store.
    """

    def __init__(self, artifact_uri: str, files_uri: str, trees: StoreOf) -> None:
        super().__init__(artifact_uri)
        self._below = unquote(urlparse(artifact_uri).path).strip("/")
        self._files = get_artifact_repository(files_uri)
        self._trees = trees

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        self._files.log_artifact(local_file, self._writable(artifact_path))

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        self._files.log_artifacts(local_dir, self._writable(artifact_path))

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        whole = self._whole(path)
        place = _tree_at(whole)
        if place is not None:
            return _listing(self._reader(place, whole), place.rest, whole)
        return [
            FileInfo(posixpath.relpath(found.path, self._below or "."), found.is_dir, found.file_size)
            for found in self._files.list_artifacts(whole)
        ]

    def get_local_path(self, artifact_path: str) -> str | None:
        whole = self._whole(artifact_path)
        place = _tree_at(whole)
        if place is None:
            return self._files.get_local_path(whole)  # type: ignore[no-any-return]
        reader = self._reader(place, whole)
        if not reader.uri.startswith("file:"):
            return None  # one file is asked for: the others stay where they are
        _check_is_file(reader, place)
        return str(reader.local() / place.rest)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        whole = self._whole(remote_file_path)
        place = _tree_at(whole)
        if place is None:
            self._files._download_file(whole, local_path)
            return
        reader = self._reader(place, whole)
        _check_is_file(reader, place)
        with reader.open(place.rest) as source, Path(local_path).open("wb") as target:
            shutil.copyfileobj(source, target)

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        raise MlflowException("Files are kept.", PERMISSION_DENIED)

    def _whole(self, path: str | None) -> str:
        return posixpath.join(self._below, path or "").rstrip("/")

    def _writable(self, path: str | None) -> str:
        whole = self._whole(path)
        if _tree_at(whole) is not None:
            raise MlflowException("What Bongsu made is not changed.", PERMISSION_DENIED)
        return whole

    def _reader(self, place: OfTree, whole: str) -> TreeReader:
        """Of the ministry in whose workspace the path lies."""
        ministry = Tenant(whole.split("/")[1])
        try:
            return self._trees(ministry).reader(place.digest)
        except BongsuError as error:
            raise MlflowException("These files are not here any more.", RESOURCE_DOES_NOT_EXIST) from error


@contextmanager
def registered(settings: GovernedSettings) -> Iterator[None]:
    """Within the block, MLflow finds this under :data:`DESTINATION_SCHEME`."""

    def build(artifact_uri: str, **_: object) -> MountedFiles:
        return MountedFiles(artifact_uri, settings.files_uri, settings.trees)

    _artifact_repository_registry.register(DESTINATION_SCHEME, build)
    try:
        yield
    finally:
        del _artifact_repository_registry._registry[DESTINATION_SCHEME]


def _tree_at(path: str) -> OfTree | None:
    parts = path.split("/")
    if len(parts) < 2 or parts[0] != "workspaces":
        return None
    place = resolve(path, parts[1])
    return place if isinstance(place, OfTree) else None


def _check_is_file(reader: TreeReader, place: OfTree) -> None:
    if all(entry.path != place.rest for entry in reader.manifest.files):
        raise MlflowException(f"No such file: {place.rest}", RESOURCE_DOES_NOT_EXIST)


def _listing(reader: TreeReader, directory: str, whole: str) -> list[FileInfo]:
    """The files and directories of one level, in the order of their names; paths as MLflow asked for them."""
    prefix = f"{directory}/" if directory else ""
    found: dict[str, FileInfo] = {}
    for entry in reader.manifest.files:
        if not entry.path.startswith(prefix):
            continue
        name, slash, _ = entry.path.removeprefix(prefix).partition("/")
        path = f"{whole}/{name}"
        found.setdefault(name, FileInfo(path, bool(slash), None if slash else entry.size))
    return [found[name] for name in sorted(found)]
