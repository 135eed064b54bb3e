"""Files that a client sends, taken into the artifact store of its ministry."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bongsu.artifacts.abandoned import clear_staged
from bongsu.artifacts.refusals import writing_to
from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.codes import artifact as codes
from bongsu.domain.codes import labels as label_codes
from bongsu.domain.ids import Digest
from bongsu.domain.labels import OPEN, Label
from bongsu.machine.removing import remove_tree
from bongsu.policy.access import cleared_for
from bongsu.service.governance.texts import check_declared
from bongsu.service.grades import grades_of, refuse_other_grades, refuse_while_stating
from bongsu.service.home import ARTIFACT_CACHE, ARTIFACTS
from bongsu.service.inputs.card import label_of, said_on_cards, type_of
from bongsu.service.inputs.files import NotFound, files_sent
from bongsu.service.inputs.importing import copy_in
from bongsu.service.labels import refuse_above
from bongsu.service.platform import Platform
from bongsu.service.recording import OF_LABELS, Ask, done, refusals_recorded
from bongsu.service.unpacking import unpack
from bongsu.store.artifacts import find_owned, note_artifact, note_new
from bongsu.store.audit import append_all
from bongsu.store.locks import hold_labels
from bongsu.store.receipts import label_at_givers, rise

ABANDONED_S = 86_400.0
UPLOADS, CARDS = "bongsu-upload-", "bongsu-cards-"
_FAMILY = "uploads"
"""What the keys of uploads begin with, under which they come into the artifact store."""
_TEMPORARY = (UPLOADS, CARDS)
"""Beginnings of the names of folders in the home that are gone when what they are for is done."""


@dataclass(frozen=True)
class Uploaded:
    """A tree that was sent. ``size`` in bytes."""

    digest: Digest
    type: str
    size: int
    label: str


@contextmanager
def upload_folder(platform: Platform) -> Iterator[Path]:
    """A directory of the home for the files of one upload, gone afterwards.

    Raises:
        BongsuError: ``artifact.no-space`` or ``artifact.read-only`` for what the disk refuses within the block.
    """
    home = platform.home
    with writing_to(home), tempfile.TemporaryDirectory(prefix=UPLOADS, dir=home) as folder:
        yield Path(folder)


def clear_abandoned(home: Path, now: float) -> int:
    """Delete what processes that were killed left of uploads and bundles; returns how many of them. What was half way
    into the artifact store goes too, but for a bundle: whoever sends that again goes on with it.

    Args:
        home: of the server.
        now: seconds since the epoch; what was touched within :data:`ABANDONED_S` may be in use by another replica.
    """
    found = [path for prefix in _TEMPORARY for path in home.glob(f"{prefix}*") if _is_abandoned(path, now)]
    for path in found:
        remove_tree(path)
    stores = (store for name in (ARTIFACTS, ARTIFACT_CACHE) for store in (home / name, *(home / name).glob("*/")))
    return len(found) + sum(clear_staged(store, _FAMILY, now - ABANDONED_S) for store in stores)


def _is_abandoned(path: Path, now: float) -> bool:
    try:
        return path.is_dir() and not path.is_symlink() and path.stat().st_mtime < now - ABANDONED_S
    except FileNotFoundError:
        return False


def take_upload(
    platform: Platform,
    archive: Path,
    title: str,
    stated: Label | None,
    *,
    is_model: bool,
    has_left: Callable[[], bool] = lambda: False,
) -> Uploaded:
    """Unpack a tar archive of plain files and keep them as an artifact.

    Its label is the least upper bound of what the client states, what cards among the files say, and what is known of
    these bytes in the ministry. Of bytes that are known nothing higher can be stated here: others work with them, and
    raising them is not for everybody who may send files.

    Args:
        platform: of the ministry.
        archive: on this machine; nothing of it is trusted.
        title: what the files were on the client's machine, for people.
        stated: what cards above the files say there, or the client itself.
        is_model: whether it is to be used as one.
        has_left: whether who sent it is gone, and nothing need be unpacked for them.

    Raises:
        BongsuError: ``artifact.not-an-archive``, ``artifact.unsafe-path``, ``artifact.unreadable-card``, each with
            the title; ``label.grade-outside``;
            ``access.above-clearance`` if the sender may not see what this would be, and ``label.known-lower`` for a
            label above the one that the bytes are known to have (both recorded); ``policy.forbidden-use`` (recorded)
            for what the title or a card says it is for.
        SenderLeft: who sent it is gone; nothing was kept.
    """
    ask = Ask.of(platform, "artifact.add", f"upload:{title}")
    check_declared(ask, {"title": title})
    grades = grades_of(platform)
    if stated is not None:
        refuse_other_grades(grades, stated, "label")
    with tempfile.TemporaryDirectory(prefix="upload-", dir=archive.parent) as folder:
        unpack(archive, Path(folder), title, has_left)
        try:
            files = files_sent(Path(folder), f"upload:{title}")
            on_card = label_of(files, grades)
        except NotFound as error:
            detail = error.within(Path(folder)).detail
            raise codes.UNREADABLE_CARD.error(archive=title, detail=detail) from error
        check_declared(ask, {f"{title}/{name}": text for name, text in said_on_cards(files).items()})
        ask = replace(ask, stated=(stated or OPEN).join(on_card or OPEN))
        with refusals_recorded(ask, OF_LABELS):
            refuse_above(platform.actor.clearance, ask.stated)
        writer = platform.artifacts.writer(f"{_FAMILY}/{secrets.token_hex(8)}")
        manifest = copy_in(writer, files)
    reader = platform.artifacts.reader(manifest.digest)
    type_ = type_of([entry.path for entry in manifest.files], reader.open, model=is_model)
    ref = ArtifactRef(digest=manifest.digest, type=type_, label=on_card or OPEN, size=manifest.size)
    with refusals_recorded(ask, OF_LABELS):
        label = _noted(ask, ref, stated or OPEN, title)
    return Uploaded(manifest.digest, type_.value, manifest.size, str(label))


def _noted(ask: Ask, ref: ArtifactRef, stated: Label, title: str) -> Label:
    """What the bytes carry, once they are known here.

    Args:
        ask: of the sender, in the ministry.
        ref: with the label that is on the cards within.
        stated: by the sender, beside the bytes.
        title: for people.
    """
    platform, clearance = ask.platform, ask.actor.clearance
    with platform.write() as connection:
        hold_labels(connection)
        ref = ref.model_copy(update={"label": ref.label.join(label_at_givers(connection, ref.digest) or OPEN)})
        whole = ref.model_copy(update={"label": ref.label.join(stated)})
        refuse_while_stating(connection, whole.label)
        now = platform.clock()
        if note_new(connection, whole, title, now):
            refuse_above(clearance, whole.label)  # what it is worth where it was shared
            done(connection, ask, whole.label, digest=ref.digest, size=ref.size, known=False)
            return whole.label
        risen = note_artifact(connection, ref, title, now)
        append_all(connection, rise(connection, platform.author, risen, now))
        known = find_owned(connection, ref.digest)
        assert known is not None
        label = Label.parse(known.label)
        if cleared_for(clearance, label) and label.dominates(stated):
            done(connection, ask, label, digest=ref.digest, size=ref.size, known=True)
    # What is known here to be worth more is not told to who may not see it.
    refuse_above(clearance, label)
    if not label.dominates(stated):
        raise label_codes.KNOWN_LOWER.error(title=title, stated=str(stated), known=known.label, digest=ref.digest)
    return label
