"""Model versions in MLflow's registry whose source is the artifact itself: weights are never stored twice."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlparse

from bongsu.domain.documents import iso_time
from bongsu.domain.ids import Digest
from bongsu.domain.publication import (
    AliasChanged,
    LabelChanged,
    RegisteredVersion,
    RegistrationRefused,
    RegistrationRequest,
    SuspensionChanged,
)
from bongsu.tracking.names import DIGEST_TAG, LABEL_TAG, SUSPENDED_TAG, USE_TAG, allowed_name

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

# Statuses of the kind "your fault" that another try may change: a timeout, too many requests.
_PASSING = (408, 429)


class RegistryWriter:
    """Registers artifacts; the same request twice gives the same version."""

    def __init__(self, client: MlflowClient, views: Path | None) -> None:
        self._client = client
        self._views = views

    def register(
        self, request: RegistrationRequest, run: str | None, model_id: str | None, number: int | None = None
    ) -> RegisteredVersion:
        """Make (or find) the version, its card, its tags and its alias.

        Args:
            request: what to register.
            run: MLflow's id of the run that asked, for its pages.
            model_id: the LoggedModel of the same bytes.
            number: which version it was before the registry lost it; None for a new one. One that is there still is
                left as it is, because its alias may have moved on.

        Raises:
            OSError: the hard links of a local version cannot be made.
            RegistrationRefused: the registry does not take it, e.g. for its name.
        """
        from mlflow.exceptions import MlflowException

        try:
            found = self._find(request)
            version = found or self._create(request, run, model_id)
            while number is not None and version < number:
                # Versions before it were made by others, and are lost with what they were.
                self._client.delete_model_version(request.name, str(version))
                version = self._create(request, run, model_id)
            if request.alias and (number is None or version != found):
                self._client.set_registered_model_alias(request.name, request.alias, str(version))
        except MlflowException as error:
            if _is_final(error):
                raise RegistrationRefused(str(error)) from error
            raise
        return RegisteredVersion(name=request.name, version=version, link=f"models:/{request.name}/{version}")

    def move_alias(self, change: AliasChanged) -> None:
        """Let the alias stand for the version that it stands for, or for nothing. Raises what MLflow raises."""
        if change.version is not None:
            self._client.set_registered_model_alias(change.name, change.alias, str(change.version))
            return
        with _perhaps_gone():
            self._client.delete_registered_model_alias(change.name, change.alias)

    def relabel(self, change: LabelChanged) -> None:
        """Let the version carry the label that it carries. Raises what MLflow raises."""
        if change.label is not None:
            self._client.set_model_version_tag(change.name, str(change.version), LABEL_TAG, str(change.label))

    def mark_suspended(self, change: SuspensionChanged) -> None:
        """Let the version say since when it must not be used, or nothing of that. Raises what MLflow raises."""
        name, version = change.name, str(change.version)
        if change.suspended_at is not None:
            self._client.set_model_version_tag(name, version, SUSPENDED_TAG, iso_time(change.suspended_at))
            return
        with _perhaps_gone():
            self._client.delete_model_version_tag(name, version, SUSPENDED_TAG)

    def _find(self, request: RegistrationRequest) -> int | None:
        # A run that is resumed may ask again for bytes that it made anew.
        asked = f"name = '{request.name}' and tags.`bongsu.key` = '{request.key}'"
        found = self._client.search_model_versions(asked, max_results=1000)
        wanted = {"bongsu.key": request.key, DIGEST_TAG: request.model.digest}
        return next((int(v.version) for v in found if wanted.items() <= v.tags.items()), None)

    def _create(self, request: RegistrationRequest, run: str | None, model_id: str | None) -> int:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(request.name, tags={"bongsu.ministry": request.ministry})
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            owner = self._client.get_registered_model(request.name).tags.get("bongsu.ministry", request.ministry)
            if owner != request.ministry:
                raise RegistrationRefused(
                    f"models named {request.name} are registered by another ministry than {request.ministry}"
                ) from None
        tags = {
            "bongsu.key": request.key,
            DIGEST_TAG: request.model.digest,
            LABEL_TAG: str(request.model.label),
            USE_TAG: request.use_class,
            "bongsu.run": request.run_id,
            "bongsu.evidence": " ".join(request.evidence),
            **{allowed_name(f"bongsu.metric.{name}"): f"{value:.6g}" for name, value in request.metrics.items()},
            **request.tags,
        }
        if model_id:
            tags["bongsu.loggedModel"] = model_id
        created = self._client.create_model_version(
            request.name, source=self._source(request), run_id=run, tags=tags, description=request.card
        )
        return int(created.version)

    def _source(self, request: RegistrationRequest) -> str:
        """The artifact's own URI; for a local store a directory of hard links to its files.

        MLflow writes a file of its own into a local source when a client downloads it; the links keep that out
        of the immutable tree, and cost no space.
        """
        if self._views is None or _local(request.source_uri) is None:
            return request.source_uri
        view = self._views / request.name / request.model.digest
        view.mkdir(parents=True, exist_ok=True)
        self.renew_views(request.model.digest, request.source_uri)
        return view.as_uri()

    def renew_views(self, digest: Digest, source_uri: str) -> None:
        """Let every version of these bytes show the files that lie at ``source_uri`` now: a tree that was damaged and
        made again consists of other files.

        Raises:
            OSError: a hard link cannot be made.
        """
        tree = _local(source_uri)
        if tree is None or self._views is None:
            return
        for view in self._views.glob(f"*/{digest}"):
            for file in sorted(path for path in tree.rglob("*") if path.is_file()):
                _link(file, view / file.relative_to(tree))


@contextmanager
def _perhaps_gone() -> Iterator[None]:
    """Around taking something away that need not be there."""
    from mlflow.exceptions import MlflowException

    try:
        yield
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise


def _local(uri: str) -> Path | None:
    """The directory that a URI names; None if it lies elsewhere."""
    parsed = urlparse(uri)
    return Path(unquote(parsed.path)) if parsed.scheme in ("", "file") else None


def _link(file: Path, link: Path) -> None:
    """Hard-link ``file`` in place of whatever is at ``link``."""
    if link.exists() and link.samefile(file):
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    fresh = link.with_name(f".{link.name}.{secrets.token_hex(4)}")
    os.link(file, fresh)
    fresh.replace(link)


def _is_final(error: MlflowException) -> bool:
    """True if the same request will get the same answer."""
    status = error.get_http_status_code()
    return 400 <= status < 500 and status not in _PASSING
