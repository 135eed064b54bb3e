"""Where the artifacts of a home lie: in the home itself, or in the bucket that it was begun with.

A home keeps to one store: a later command that would look in another one would find nothing, and is told.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bongsu.artifacts.base import ArtifactStore, StoreOf
from bongsu.artifacts.durable import create_once
from bongsu.domain.codes import artifact as artifact_codes
from bongsu.domain.codes import run as codes
from bongsu.domain.tenants import Tenant
from bongsu.machine.environment import overlaid
from bongsu.service.home import ARTIFACT_CACHE, ARTIFACTS, DATABASE, STORE_RECORD, holds_work

SETTING = "BONGSU_ARTIFACTS"
# As boto3 and Arrow look for it. Arrow, which writes the checkpoints, reads no endpoint from a profile.
ENDPOINT = "AWS_ENDPOINT_URL_S3"
_ENDPOINTS = (ENDPOINT, "AWS_ENDPOINT_URL")
# How the names of all variables begin that say where S3 is, and who asks.
_S3 = "AWS_"
# Name and password within a URL, up to the last @ before the path.
_USER_INFO = re.compile(r"(?<=//)[^/]*@|^[^/]*@")
_ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:/[A-Za-z0-9][A-Za-z0-9._=-]*)*")


@dataclass(frozen=True)
class ArtifactPlace:
    """Attributes:
    uri: of the store.
    endpoint: URL of the S3 server; None for Amazon's, and for a local store.
    cache: directory for copies of trees; None for a local store, which needs none.
    is_new: the home does not say so yet.
    """

    uri: str
    endpoint: str | None = None
    cache: Path | None = None
    is_new: bool = False

    @property
    def is_remote(self) -> bool:
        return self.cache is not None


def place_of(home: Path, environment: Mapping[str, str]) -> ArtifactPlace:
    """What the home says, or else what the environment asks for, or else a directory of the home.

    Args:
        home: an absolute path; it need not exist.
        environment: ``BONGSU_ARTIFACTS``, ``AWS_ENDPOINT_URL_S3`` and ``AWS_ENDPOINT_URL`` are read.

    Raises:
        BongsuError: ``run.other-store``, ``run.store-record``, ``artifact.not-a-bucket``.
    """
    asked = _address(environment.get(SETTING, ""))
    endpoint = next((environment[name].rstrip("/") for name in _ENDPOINTS if environment.get(name)), None)
    if endpoint is not None and not re.match(r"https?://[^/]", endpoint):
        raise codes.S3_ENDPOINT.error(endpoint=_USER_INFO.sub("…@", endpoint))
    if endpoint is not None and _USER_INFO.search(endpoint):
        raise codes.S3_ENDPOINT_SECRET.error(endpoint=_USER_INFO.sub("…@", endpoint))
    recorded = _recorded(home)
    if recorded is None:
        local = ArtifactPlace((home / ARTIFACTS).as_uri())
        if asked is None:
            return local
        if (home / DATABASE).exists() or holds_work(home):
            raise _other(home, local.uri, asked)
        return ArtifactPlace(asked, endpoint, home / ARTIFACT_CACHE, is_new=True)
    if (asked or recorded.uri, endpoint or recorded.endpoint) != (recorded.uri, recorded.endpoint):
        raise _other(home, _said(recorded.uri, recorded.endpoint), _said(asked or recorded.uri, endpoint))
    return recorded


def keep(home: Path, place: ArtifactPlace) -> None:
    """Have the bucket answer, and write down that the artifacts of this home lie there.

    Raises:
        BongsuError: what :func:`bongsu.artifacts.s3.probe.reach` raises; nothing is written down then. Or
            ``run.other-store``, where another process was first with another one.
    """
    from bongsu.artifacts.s3.probe import reach
    from bongsu.artifacts.s3.store import S3Store

    reach(S3Store.from_uri(place.uri, place.cache))
    content = json.dumps({"artifacts": place.uri, "endpoint": place.endpoint}, indent=2) + "\n"
    create_once(home / STORE_RECORD, content.encode())
    found = _recorded(home)
    if found is not None and (found.uri, found.endpoint) != (place.uri, place.endpoint):
        raise _other(home, _said(found.uri, found.endpoint), _said(place.uri, place.endpoint))


@contextmanager
def reached(place: ArtifactPlace, environment: Mapping[str, str]) -> Iterator[None]:
    """Within the block, this process and those that it starts look for S3 where the home says, although the
    environment may not name it, and with what the environment says of it else. boto3, Arrow and MLflow read that from
    the process, and know of no other way."""
    given = s3_variables(place, environment)
    others = [name for name in os.environ if name.startswith(_S3) and name not in given] if given else []
    with overlaid({**given, **dict.fromkeys(others)}):
        yield


def s3_variables(place: ArtifactPlace, environment: Mapping[str, str]) -> dict[str, str]:
    """What a process has to have in its environment to reach the artifacts; nothing for a local store."""
    if not place.is_remote:
        return {}
    found = {name: value for name, value in environment.items() if name.startswith(_S3)}
    if place.endpoint is not None and not any(found.get(name) for name in _ENDPOINTS):
        found[ENDPOINT] = place.endpoint
    return found


def stores_at(place: ArtifactPlace) -> StoreOf:
    """Of each ministry, its own part of the place; of a home that nobody shares, all of it."""
    from bongsu.artifacts.open import open_store

    @lru_cache(maxsize=1000)
    def store_of(tenant: Tenant) -> ArtifactStore:
        cache = place.cache / tenant if place.cache and tenant else place.cache
        return open_store(f"{place.uri}/{tenant}" if tenant else place.uri, cache)

    return store_of


def _address(given: str) -> str | None:
    address = given.rstrip("/")
    if not address:
        return None
    if not _ADDRESS.fullmatch(address):
        raise artifact_codes.NOT_A_BUCKET.error(uri=given)
    return address


def _recorded(home: Path) -> ArtifactPlace | None:
    path = home / STORE_RECORD
    try:
        content: Any = json.loads(path.read_bytes())
        uri, endpoint = content["artifacts"], content["endpoint"]
        if not (isinstance(uri, str) and _ADDRESS.fullmatch(uri) and isinstance(endpoint, str | None)):
            raise ValueError(f"{uri!r}, {endpoint!r}")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise codes.STORE_RECORD.error(file=str(path), detail=str(error)) from error
    return ArtifactPlace(uri, endpoint, home / ARTIFACT_CACHE)


def _said(uri: str, endpoint: str | None) -> str:
    return f"{uri} ({endpoint})" if endpoint else uri


def _other(home: Path, recorded: str, asked: str) -> Exception:
    return codes.OTHER_STORE.error(home=str(home), recorded=recorded, asked=asked, file=str(home / STORE_RECORD))
