"""Looking for things by a part of their name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from bongsu.domain.codes import run as codes
from bongsu.domain.documents import camel
from bongsu.domain.paging import PageRequest
from bongsu.domain.people import Actor
from bongsu.domain.searching import Found, Hit, Nearness, SearchKind, order_of
from bongsu.policy.access import Permission
from bongsu.service.control_plane import ControlPlane
from bongsu.service.platform import Platform
from bongsu.service.sharing import received
from bongsu.store.records import ModelVersionRecord
from bongsu.store.searching import FIELDS, find

MOST_TEXT = 200
_LOOKING: Mapping[SearchKind, Permission] = {
    SearchKind.RUN: Permission.RUN_READ,
    SearchKind.MODEL: Permission.MODEL_READ,
    SearchKind.DATASET: Permission.DATASET_READ,
    SearchKind.ARTIFACT: Permission.ARTIFACT_READ,
}
_Finder = Callable[[Nearness, PageRequest], Iterable[Hit]]


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
    text = _checked(text)
    finders = [_finder(platform, kind, text) for kind in kinds or SearchKind]
    return [hit.found for hit in _page(finders, PageRequest(limit=limit))]


def search_everywhere(
    plane: ControlPlane, actor: Actor, text: str, kinds: Collection[SearchKind], wanted: PageRequest
) -> list[Hit]:
    """As :func:`search`, in every ministry, of each kind what the actor may look at; models and data sets that are
    shared with these ministries, too."""
    text = _checked(text)
    finders: list[_Finder] = []
    for kind in kinds or SearchKind:
        platform = plane.everywhere(actor, _LOOKING[kind])
        finders.append(_finder(platform, kind, text))
        if kind in (SearchKind.MODEL, SearchKind.DATASET):
            finders.append(_received(platform, kind, text))
    return _page(finders, wanted)


def _page(finders: Iterable[_Finder], wanted: PageRequest) -> list[Hit]:
    """The nearest first, each newest first; nothing is looked for that is farther than what fills the page."""
    finders, found = list(finders), list[Hit]()
    for nearness in Nearness:
        if wanted.behind is not None and nearness < wanted.behind[0]:
            continue
        left = None if wanted.limit is None else wanted.limit - len(found)
        if left == 0:
            break
        part = replace(wanted, limit=left)
        near = [hit for finder in finders for hit in finder(nearness, part)]
        found += sorted(near, key=lambda hit: hit.order)[:left]
    return found


def _finder(platform: Platform, kind: SearchKind, text: str) -> _Finder:
    def of_own(nearness: Nearness, wanted: PageRequest) -> list[Hit]:
        with platform.read() as connection:
            return [Hit(nearness, one) for one in find(connection, kind, text, nearness, wanted)]

    return of_own


def _received(platform: Platform, kind: SearchKind, text: str) -> _Finder:
    """Of a few that are read as a whole."""
    known = [Hit(Nearness.of(one.name, text), one) for one in _shared(platform, kind, text)]

    def of_others(nearness: Nearness, wanted: PageRequest) -> list[Hit]:
        last = order_of(wanted.behind) if wanted.behind is not None else None
        near = [hit for hit in known if hit.nearness is nearness and (last is None or hit.order > last)]
        return [hit for hit in near if _holds(wanted, hit.found)]

    return of_others


def _holds(wanted: PageRequest, found: Found) -> bool:
    told = {camel(name): value for name, value in vars(found).items() if camel(name) in FIELDS}
    return all(one.holds(told[one.field]) for one in wanted.filters)


def _shared(platform: Platform, kind: SearchKind, text: str) -> Iterator[Found]:
    for one in received(platform, "model:" if kind is SearchKind.MODEL else "dataset:"):
        version = one.version
        title = version.title if isinstance(version, ModelVersionRecord) else ""
        begins = version.digest.startswith((text, f"sha256-{text}"))
        is_it = begins or any(text.lower() in told.lower() for told in (version.name, title))
        if is_it:
            name = f"{version.name}/{version.version}"
            yield Found(kind, name, one.giver, title, version.label, version.created_at, version.shared)


def _checked(text: str) -> str:
    wanted = text.strip()
    if not 0 < len(wanted) <= MOST_TEXT:
        raise codes.EMPTY_SEARCH.error(limit=MOST_TEXT)
    return wanted
