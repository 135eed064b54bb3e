"""Looking for things by a part of their name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from bongsu.domain.codes import run as codes
from bongsu.domain.people import Actor
from bongsu.domain.searching import Found, SearchKind
from bongsu.policy.access import Permission
from bongsu.service.control_plane import ControlPlane
from bongsu.service.platform import Platform
from bongsu.service.sharing import received
from bongsu.store.records import ModelVersionRecord
from bongsu.store.searching import find

MOST_TEXT = 200
_LOOKING: Mapping[SearchKind, Permission] = {
    SearchKind.RUN: Permission.RUN_READ,
    SearchKind.MODEL: Permission.MODEL_READ,
    SearchKind.DATASET: Permission.DATASET_READ,
    SearchKind.ARTIFACT: Permission.ARTIFACT_READ,
}


def search(platform: Platform, text: str, kinds: Collection[SearchKind] = (), limit: int = 20) -> list[Found]:
    """What has the text in its name, or begins with it; exact names first, then beginnings, each newest first.

    Args:
        platform: what to work on.
        text: a part of a name or title; the beginning of an id or a digest.
        kinds: of what is looked for; all if it is empty.
        limit: at most this many.

    Raises:
        BongsuError: ``run.empty-search`` for nothing, or for more than 200 characters.
    """
    wanted = _checked(text)
    with platform.read() as connection:
        found = [one for kind in kinds or SearchKind for one in find(connection, kind, wanted, limit)]
    return _best(found, wanted, limit)


def search_everywhere(
    plane: ControlPlane, actor: Actor, text: str, kinds: Collection[SearchKind] = (), limit: int = 20
) -> list[Found]:
    """As :func:`search`, in every ministry, of each kind what the actor may look at; models and data sets that are
    shared with these ministries, too."""
    wanted = _checked(text)
    found = [
        one
        for kind in kinds or SearchKind
        for one in _of_kind(plane.everywhere(actor, _LOOKING[kind]), wanted, kind, limit)
    ]
    return _best(found, wanted, limit)


def _of_kind(platform: Platform, wanted: str, kind: SearchKind, limit: int) -> Iterator[Found]:
    yield from search(platform, wanted, [kind], limit)
    if kind not in (SearchKind.MODEL, SearchKind.DATASET):
        return
    for one in received(platform):
        version = one.version
        title = version.title if isinstance(version, ModelVersionRecord) else ""
        begins = version.digest.startswith((wanted, f"sha256-{wanted}"))
        is_it = begins or any(wanted.lower() in text.lower() for text in (version.name, title))
        if is_it and one.address.is_model is (kind is SearchKind.MODEL):
            name = f"{version.name}/{version.version}"
            yield Found(kind, name, one.giver, title, version.label, version.created_at, version.shared)


def _checked(text: str) -> str:
    wanted = text.strip()
    if not 0 < len(wanted) <= MOST_TEXT:
        raise codes.EMPTY_SEARCH.error(limit=MOST_TEXT)
    return wanted


def _best(found: list[Found], wanted: str, limit: int) -> list[Found]:
    text = wanted.lower()

    def rank(one: Found) -> tuple[int, float]:
        name = one.name.lower()
        is_it = text in (name, name.partition("/")[0])
        return (0 if is_it else 1 if name.startswith(text) else 2, -one.created_at)

    return sorted(found, key=rank)[:limit]
