"""The API server of a cluster, as far as we ask it: create, apply, note, delete, list and watch.

Documents go and come as JSON; what the server has no schema for here is nobody's to parse twice. That it does not
answer is an OSError, whatever library noticed it first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3
from kubernetes import config
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException

from bongsu.executors.kuberay.facts import Document

FIELD_MANAGER = "bongsu"
CONNECT_S, ANSWER_S = 5.0, 30.0
WATCH_S = 240
"""After so long the server ends a watch, which is then asked for anew."""
_PAGE = 500
_GONE, _NOT_FOUND, _CONFLICT = 410, 404, 409
_JSON = "application/json"
_APPLY, _MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
# Without the content of Secrets, which nobody needs to read back.
_METADATA = "application/json;as=PartialObjectMetadata{list};g=meta.k8s.io;v=v1"


@dataclass(frozen=True)
class Kind:
    """Of objects in namespaces.

    Attributes:
        group: path of its group and version.
        plural: as paths name it.
        metadata_only: nothing else of them is read.
    """

    group: str
    plural: str
    metadata_only: bool = False

    def path(self, namespace: str, name: str = "") -> str:
        return "/".join([self.group, "namespaces", namespace, self.plural, *([name] if name else [])])


SECRETS = Kind("/api/v1", "secrets", metadata_only=True)
PODS = Kind("/api/v1", "pods")
JOBS = Kind("/apis/batch/v1", "jobs")
RAY_JOBS = Kind("/apis/ray.io/v1", "rayjobs")
WORKLOADS = Kind("/apis/kueue.x-k8s.io/v1beta2", "workloads")


class Refused(OSError):
    """The server answers, and does not do it.

    Attributes:
        status: of HTTP.
    """

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"the API server refuses it ({status}): {said}")
        self.status = status


class Gone(Exception):
    """What a watch was to go on from is too old; everything is listed anew."""


@dataclass(frozen=True)
class Listed:
    """Every object of a kind in a namespace, and the version from which a watch goes on."""

    objects: list[Document]
    version: str


class Api:
    """One API server.

    Args:
        client: of the library, with address and credentials.
    """

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    @classmethod
    def of_pod(cls) -> Api:
        """As the service account of the pod in which this runs. Raises OSError outside of a pod."""
        with _as_os_errors():
            config.load_incluster_config()  # type: ignore[no-untyped-call]
        return cls(ApiClient())

    @classmethod
    def of_file(cls, path: Path, context: str | None = None) -> Api:
        """As a kubeconfig says. Raises OSError."""
        with _as_os_errors():
            return cls(config.new_client_from_config(str(path), context))  # type: ignore[no-untyped-call]

    def create(self, kind: Kind, document: Document) -> Document | None:
        """None, and no change, if there is one of this name. Raises OSError."""
        metadata = document["metadata"]
        try:
            return self._asked("POST", kind.path(metadata["namespace"]), body=document)
        except Refused as error:
            if error.status == _CONFLICT:
                return None
            raise

    def apply(self, kind: Kind, document: Document) -> Document:
        """Server-side apply under our own name. Raises OSError."""
        metadata = document["metadata"]
        path = kind.path(metadata["namespace"], metadata["name"])
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return self._asked("PATCH", path, query, document, _APPLY)

    def annotate(self, kind: Kind, namespace: str, name: str, notes: Mapping[str, str]) -> Document | None:
        """None, and no change, if there is none of this name. Raises OSError."""
        body = {"metadata": {"annotations": dict(notes)}}
        return self._if_there("PATCH", kind.path(namespace, name), body, _MERGE)

    def get(self, kind: Kind, namespace: str, name: str) -> Document | None:
        """Its metadata alone, of a kind that says so; None if there is none. Raises OSError."""
        accept = _METADATA.format(list="") if kind.metadata_only else _JSON
        return self._if_there("GET", kind.path(namespace, name), accept=accept)

    def delete(self, kind: Kind, namespace: str, name: str) -> Document | None:
        """Have it deleted once everything that it made is: it is there until then. None if it was not there."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground"}
        return self._if_there("DELETE", kind.path(namespace, name), body)

    def list(self, kind: Kind, namespace: str) -> Listed:
        """Raises OSError."""
        objects: list[Document] = []
        query = {"limit": str(_PAGE)}
        accept = _METADATA.format(list="List") if kind.metadata_only else _JSON
        while True:
            found = self._asked("GET", kind.path(namespace), query, accept=accept)
            objects += found["items"] or ()  # null where only metadata is asked for, and there is none
            if not (following := found["metadata"].get("continue")):
                return Listed(objects, found["metadata"]["resourceVersion"])
            query["continue"] = following

    def watch(self, kind: Kind, namespace: str, version: str) -> Iterator[tuple[str, Document]]:
        """What becomes of a kind in a namespace since that version: ``ADDED``, ``MODIFIED``, ``DELETED`` or
        ``BOOKMARK``, and the object. Ends after :data:`WATCH_S`.

        Raises:
            OSError: the server does not answer.
            Gone: the version is too old.
        """
        query = {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_S),
        }
        accept = _METADATA.format(list="") if kind.metadata_only else _JSON
        with _as_os_errors():
            response = self._sent("GET", kind.path(namespace), query, accept=accept, answer_s=WATCH_S + ANSWER_S)
            try:
                pending = b""
                for data in response.stream(amt=2**16, decode_content=True):
                    *lines, pending = (pending + data).split(b"\n")
                    yield from (_event(line) for line in lines if line)
            finally:
                response.release_conn()

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    # -- inside ----------------------------------------------------------------------------------------------

    def _if_there(
        self, method: str, path: str, body: Document | None = None, content: str = _JSON, accept: str = _JSON
    ) -> Document | None:
        try:
            return self._asked(method, path, None, body, content, accept)
        except Refused as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def _asked(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Document | None = None,
        content: str = _JSON,
        accept: str = _JSON,
    ) -> Document:
        with _as_os_errors():
            found: Document = json.loads(self._sent(method, path, query, body, content, accept).read())
            return found

    def _sent(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Document | None = None,
        content: str = _JSON,
        accept: str = _JSON,
        answer_s: float = ANSWER_S,
    ) -> urllib3.BaseHTTPResponse:
        headers = {"Accept": accept, "Content-Type": content}
        sent = self._client.param_serialize(
            method,
            path,
            query_params=list((query or {}).items()),
            header_params=headers,
            body=body,
            auth_settings=["BearerToken"],
        )
        response = self._client.call_api(*sent, _request_timeout=(CONNECT_S, answer_s)).response
        if not 200 <= response.status < 300:
            raise Refused(response.status, _said(response.read()))
        found: urllib3.BaseHTTPResponse = response
        return found


def _event(line: bytes) -> tuple[str, Document]:
    told = json.loads(line)
    if told["type"] == "ERROR":
        if told["object"].get("code") == _GONE:
            raise Gone
        raise Refused(told["object"].get("code", 0), told["object"].get("message", ""))
    return told["type"], told["object"]


def _said(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return data[:200].decode(errors="replace")


@contextmanager
def _as_os_errors() -> Iterator[None]:
    """What the libraries raise where a server does not answer, or answers with something else than JSON."""
    try:
        yield
    except Refused as error:
        if error.status == _GONE:
            raise Gone from None
        raise
    except (urllib3.exceptions.HTTPError, ApiException, config.ConfigException, ValueError) as error:
        raise OSError(f"the API server does not answer: {error}") from error
