"""What a path below MLflow's artifact root belongs to: ``workspaces/<ministry>/<experiment>/<run>/artifacts/...``.

Only the forms that MLflow itself gives to runs, logged models and traces are known, and those of the trees that model
versions point to. Everything else belongs to nobody, and is not served.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlparse

from bongsu.domain.ids import Digest
from bongsu.tracking.governed.marks import Kind

SCHEME = "mlflow-artifacts"
TREES = "bongsu"
_RUN = re.compile(r"^(?P<experiment>\d+)/(?P<thing>[0-9a-f]{32})/artifacts(?:/(?P<rest>.*))?$")
_MODEL = re.compile(r"^(?P<experiment>\d+)/models/(?P<thing>m-[0-9a-f]{32})/artifacts(?:/(?P<rest>.*))?$")
_TRACE = re.compile(r"^(?P<experiment>\d+)/traces/(?P<thing>[\w:.-]{1,100})/artifacts(?:/(?P<rest>.*))?$")
_TREE = re.compile(rf"^{TREES}/(?P<name>[\w.-]+)/(?P<digest>sha256-[0-9a-f]{{64}})(?:/(?P<rest>.*))?$")
_LONGEST_NAME, _LONGEST_PATH = 255, 1024
_KINDS = ((_RUN, Kind.RUN), (_MODEL, Kind.LOGGED_MODEL), (_TRACE, Kind.TRACE))


@dataclass(frozen=True)
class OfThing:
    """A path in the artifacts of a run, logged model or trace.

    Attributes:
        root: the URI of all its artifacts, as MLflow's row has it.
        rest: the path below; empty for all of them.
    """

    kind: Kind
    thing: str
    root: str
    rest: str


@dataclass(frozen=True)
class OfTree:
    """A path in an artifact of the control plane that is a version of the model ``name``."""

    name: str
    digest: Digest
    root: str
    rest: str


def is_plain(path: str) -> bool:
    """True if a path names one place and no other: nothing that is empty, goes up, or is decoded once more."""
    if re.search(r"[\x00-\x1f\x7f\\]|%[0-9a-fA-F]{2}", path):
        return False
    return all(part not in ("", ".", "..") for part in path.split("/"))


def has_long_name(path: str) -> bool:
    """True if no file can be called so: file systems take 255 bytes for a name, and S3 1,024 for a key."""
    encoded = path.encode("utf-8", "surrogatepass")
    return len(encoded) > _LONGEST_PATH or any(len(name) > _LONGEST_NAME for name in encoded.split(b"/"))


def resolve(path: str, workspace: str) -> OfThing | OfTree | None:
    """Whose artifact it is; None if nobody's, or another workspace's.

    Args:
        path: below the artifact root; MLflow's clients leave out ``workspaces/<workspace>/`` where they may.
    """
    if not is_plain(path):
        return None
    inner = path
    if path.startswith("workspaces/"):
        prefix = f"workspaces/{workspace}/"
        if not path.startswith(prefix):
            return None
        inner = path.removeprefix(prefix)
    base = f"{SCHEME}:/workspaces/{workspace}"
    if tree := _TREE.match(inner):
        root = tree_uri(workspace, tree["name"], Digest(tree["digest"]))
        return OfTree(tree["name"], Digest(tree["digest"]), root, tree["rest"] or "")
    for pattern, kind in _KINDS:
        if found := pattern.match(inner):
            rest = found["rest"] or ""
            root = f"{base}/{inner.removesuffix(f'/{rest}') if rest else inner}"
            return OfThing(kind, found["thing"], root, rest)
    return None


def resolve_uri(uri: str, workspace: str) -> OfThing | OfTree | None:
    """The same for a whole address; None for every address that is not of this server's artifacts."""
    parsed = urlparse(uri)
    if parsed.scheme != SCHEME or parsed.netloc or parsed.query or parsed.fragment:
        return None
    return resolve(parsed.path.lstrip("/").rstrip("/"), workspace)


def tree_uri(workspace: str, name: str, digest: Digest) -> str:
    """The address that a model version has as its source: plain clients download it through the mount."""
    return f"{SCHEME}:/workspaces/{workspace}/{TREES}/{name}/{digest}"
