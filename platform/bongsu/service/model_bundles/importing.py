"""Taking a model in from a bundle: all of it or nothing, with the label that it came with or a higher one."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from bongsu.artifacts.base import TreeWriter
from bongsu.artifacts.refusals import writing_to
from bongsu.domain.artifact import ArtifactRef, ArtifactType, FileEntry
from bongsu.domain.codes import artifact
from bongsu.domain.documents import plain
from bongsu.domain.grades import GradeScheme
from bongsu.domain.ids import Digest
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.domain.model_bundles import BundleDocument, House
from bongsu.domain.problems import BongsuError
from bongsu.domain.signed_notes import VerifierKey
from bongsu.policy import purpose
from bongsu.policy.bundles import meant_for
from bongsu.service.grades import grades_of, refuse_other_grades, refuse_while_stating
from bongsu.service.inputs.card import label_of, said_on_cards
from bongsu.service.inputs.files import FileSet, NotFound
from bongsu.service.inputs.label_card import MAX_CARD_BYTES, declarations, looks_like_a_card
from bongsu.service.labels import refuse_above
from bongsu.service.model_bundles.reading import BundleFile, Head, Sink, opened
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, done, refusals_recorded
from bongsu.service.uploading import CARDS
from bongsu.store.artifacts import find_owned, note_artifact
from bongsu.store.audit import append_all
from bongsu.store.lineage import Edge, Node, get_nodes, put_edges, put_nodes
from bongsu.store.locks import hold_labels
from bongsu.store.node_ids import artifact_node, input_node
from bongsu.store.receipts import label_at_givers, rise

# What a folder of cards holds: that of the document, and apart from it those of the tree.
_CARD, _TREE = "README.md", "tree"
# What the node of the bundle keeps: all but what the tree itself tells.
_ELSEWHERE = frozenset({"files", "card", "format"})


@dataclass(frozen=True)
class Imported:
    """A model that was taken in. ``size`` in bytes.

    Attributes:
        digest: pipelines take it as ``artifact:DIGEST``.
        label: that it carries here.
        model: what it is called where it came from, as ``NAME/VERSION``.
        origin: the log in whose name it was signed.
        signer: the key that was named.
        document: digest of what was signed.
        created: False if it was taken in before.
    """

    digest: Digest
    label: str
    size: int
    model: str
    origin: str
    signer: str
    document: Digest
    created: bool


def import_bundle(
    platform: Platform, archive: Path, keys: Sequence[VerifierKey], here: House | None, title: str = ""
) -> Imported:
    """Take the model of a bundle into the artifact store.

    Its label is the least upper bound of the bundle's, of what cards among its files say, and of what is known of these
    bytes in the ministry.

    Args:
        platform: of the ministry, for who takes it in.
        archive: the file; nothing of it is trusted.
        keys: by one of which it has to be signed.
        here: who takes it in; None for a home of which nobody says whose it is.
        title: what the file is called, for people; its own name if nothing else is said.

    Raises:
        BongsuError: as :class:`bongsu.service.model_bundles.reading.BundleFile`; ``bundle.other-target``,
            ``bundle.target-unstated``; ``label.grade-outside``; ``access.above-clearance``;
            ``policy.forbidden-use``; ``artifact.unreadable-card``. What is refused is
            recorded.
    """
    ask = Ask.of(platform, "model.import", f"bundle:{title or archive.name}")
    with refusals_recorded(ask) as asked, opened(archive, title) as bundle:
        head = bundle.head(keys)
        document = head.document
        asked.states(document.label)
        meant_for(title or archive.name, document.target, here).require()
        refuse_other_grades(grades_of(platform), document.label)
        refuse_above(platform.scope.clearance, document.label)
        _screened({"name": document.name, "statement": document.statement})
        label = _taken(platform, bundle, document, title or archive.name)
        return _noted(ask, head, _signer(head, keys), label, here)


def _taken(platform: Platform, bundle: BundleFile, document: BundleDocument, title: str) -> Label:
    """With all files in the store; the label that they carry. ``title`` is what messages call the bundle.

    What they carry is known before they are there: bytes of which nobody knows what they are could be taken for open.
    """
    home = platform.home
    writer = platform.artifacts.writer(f"bundles/{document.digest}")
    with writing_to(home), tempfile.TemporaryDirectory(prefix=CARDS, dir=home) as folder, writer.alone():
        try:
            bundle.files(document, lambda entry: _into(writer, Path(folder) / _TREE, entry))
            label = _with_cards(Path(folder), document, grades_of(platform), title)
            refuse_above(platform.scope.clearance, label)
            known = _labelled(platform, document, label)
            # What is known here to be worth more is not told to who may not see it.
            refuse_above(platform.scope.clearance, known)
            manifest = writer.commit()
        except BaseException:  # Ctrl-C too: the next one who takes it in begins with nothing
            writer.abort()
            raise
    assert manifest.digest == document.digest, "each file was compared with what was signed"
    return known


@contextmanager
def _into(writer: TreeWriter, cards: Path, entry: FileEntry) -> Iterator[Sink]:
    """Where a file goes: into the tree, and if it looks like a card, to where cards are read."""
    with contextlib.ExitStack() as closed:
        file = closed.enter_context(writer.create(entry.path))
        if not looks_like_a_card(PurePosixPath(entry.path).name):
            yield file
            return
        place = cards / entry.path
        place.parent.mkdir(parents=True, exist_ok=True)
        yield _Both(file, closed.enter_context(place.open("xb")))


class _Both:
    """Writes into a file of the tree, and the beginning into a copy of it: nobody reads more of a card."""

    def __init__(self, file: BinaryIO, copy: BinaryIO) -> None:
        self._file = file
        self._copy = copy

    def write(self, data: bytes, /) -> object:
        self._copy.write(data[: max(0, MAX_CARD_BYTES + 1 - self._copy.tell())])
        return self._file.write(data)


def _with_cards(folder: Path, document: BundleDocument, grades: GradeScheme, title: str) -> Label:
    """The label of the bundle, and of its cards if that is higher; what these declare is read by the screen."""
    told = folder / _CARD
    (folder / _TREE).mkdir(exist_ok=True)
    told.write_text(document.card, encoding="utf-8")
    _screened({f"{title}/card: {key}": text for key, text in declarations(told).items()})
    try:
        # All that are there: the tree has hidden files and folders, too.
        tree = folder / _TREE
        found = sorted(path for path in tree.rglob("*") if path.is_file())
        files = FileSet("bundle:", tuple((str(path.relative_to(tree)), path) for path in found), ((tree,),))
        on_cards = label_of(files, grades)
    except NotFound as error:
        raise artifact.UNREADABLE_CARD.error(archive=title, detail=error.within(tree).detail) from error
    _screened({f"{title}/{name}": text for name, text in said_on_cards(files).items()})
    return document.label.join(on_cards) if on_cards else document.label


def _screened(texts: Mapping[str, str]) -> None:
    """Raises ``policy.forbidden-use`` for what says that it is for one."""
    problems = purpose.problems(texts)
    if problems:
        raise BongsuError(problems)


def _labelled(platform: Platform, document: BundleDocument, label: Label) -> Label:
    """The label of these bytes, once it is known here what they are; it only rises."""
    ref = ArtifactRef(digest=document.digest, type=ArtifactType.MODEL, label=label, size=document.size)
    with platform.write() as connection:
        refuse_while_stating(connection, label)
        now = platform.clock()
        hold_labels(connection)
        at_givers = label_at_givers(connection, document.digest) or OPEN
        ref = ref.model_copy(update={"label": label.join(at_givers)})
        refuse_above(platform.scope.clearance, ref.label)
        risen = note_artifact(connection, ref, _title(document), now)
        append_all(connection, rise(connection, platform.author, risen, now))
        known = find_owned(connection, document.digest)
    assert known is not None
    return Label.parse(known.label)


def _noted(ask: Ask, head: Head, signer: VerifierKey, label: Label, here: House | None) -> Imported:
    """That it came in, and from where: in the lineage and in the log, once."""
    document = head.document
    made = Imported(
        digest=document.digest,
        label=str(label),
        size=document.size,
        model=f"{document.name}/{document.version}",
        origin=document.origin,
        signer=str(signer),
        document=head.digest,
        created=True,
    )
    source = input_node(f"bundle:{head.digest}")
    with ask.platform.write() as connection:
        hold_labels(connection)
        if get_nodes(connection, [source]):
            return replace(made, created=False)
        body = {"uri": f"bundle:{head.digest}", "signer": str(signer)} | _told(document)
        tree = {"digest": document.digest, "type": ArtifactType.MODEL.value, "size": document.size}
        title = _title(document)
        put_nodes(
            connection,
            [
                Node(source, NodeKind.INPUT, f"bundle: {title}", str(document.label), body),
                Node(artifact_node(document.digest), NodeKind.ARTIFACT, title, str(label), tree),
            ],
        )
        put_edges(connection, [Edge(source, artifact_node(document.digest), EdgeKind.RESOLVED)], "", ask.now)
        facts = {"content": document.digest, "document": head.digest, "origin": document.origin}
        facts |= {"model": made.model, "signer": str(signer), "target": document.target, "here": str(here)}
        done(connection, ask, label, **facts)
    return made


def _title(document: BundleDocument) -> str:
    return f"{document.name}/{document.version} of {document.origin}"


def _told(document: BundleDocument) -> dict[str, Any]:
    """What the document says, but for what the tree itself tells."""
    told: dict[str, Any] = plain(document)
    return {key: value for key, value in told.items() if key not in _ELSEWHERE}


def _signer(head: Head, keys: Sequence[VerifierKey]) -> VerifierKey:
    """Of those that were named, the first that has signed."""
    return next(key for key in keys if key in head.signers)
