"""Going through a bundle: every line is taken once, and what is wrong with it is noted with its place."""

from __future__ import annotations

from collections.abc import Sequence

from bongsu.domain.checkpoints import Checkpoint, SignedCheckpoint
from bongsu.domain.codes import audit as codes
from bongsu.domain.merkle import Frontier, leaf_hash
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, as_phrase, phrase
from bongsu.domain.problems import Location, Problem
from bongsu.domain.signed_notes import VerifierKey
from bongsu.service.audit.bundles import CheckpointLine, EndLine, EntryLine, Head, KeyLine, Line
from bongsu.service.audit.verdict import Signatures, Trust, Verdict

# More of one kind says nothing new, and a file may have been made to say it a million times.
_MOST_PROBLEMS = 100


class BundleCheck:
    """One bundle on its way through.

    Args:
        head: its first line.
        name: of the file.
        trust: what is known by another way.

    Raises:
        ValueError: the head contradicts itself.
    """

    def __init__(self, head: Head, name: str, trust: Trust) -> None:
        self._head = head
        self._name = name
        self._trust = trust
        self._tree = Frontier(head.begin, head.edge)
        self._signatures = Signatures(head.origin, trust)
        self._problems: list[Problem] = []
        self._expected: dict[int, list[tuple[Checkpoint, Location | None]]] = {}
        self._newest: Checkpoint | None = None
        # The size up to which the tree was found to be the one that was signed.
        self._confirmed = head.begin
        self._matched: set[int] = set()
        # From the first gap on no root can be right, and that is said once.
        self._is_whole = True
        self._next = head.begin
        self._redacted = 0
        self._ended: int | None = None
        self._sought = {leaf_hash(text.encode()): number for number, text in enumerate(trust.entries, start=1)}
        self._found: dict[int, int] = {}
        if trust.checkpoint is not None:
            self._take_checkpoint(trust.checkpoint, None)

    def take(self, line: Line, number: int) -> None:
        """The next line; ``number`` counts from 1."""
        place = Location(self._name, number, 1)
        if self._ended is not None:
            self._note(self._malformed(place, N_("nothing stands behind the end")))
            return
        match line:
            case KeyLine():
                self._take_key(line, place)
            case CheckpointLine():
                self._take_signed(line, place)
            case EntryLine():
                self._take_entry(line, place)
            case EndLine():
                self._ended = line.entries
            case Head():
                self._note(self._malformed(place, N_("a bundle has one head")))

    def _take_key(self, line: KeyLine, place: Location) -> None:
        try:
            self._signatures.claim(VerifierKey.parse(line.key))
        except ValueError as error:
            self._note(self._malformed(place, str(error)))

    def _take_signed(self, line: CheckpointLine, place: Location) -> None:
        try:
            signed = SignedCheckpoint.parse(line.note)
        except ValueError as error:
            self._note(self._malformed(place, str(error)))
            return
        if self._next != self._head.begin:
            self._note(self._malformed(place, N_("checkpoints stand before the entries")))
            return
        self._take_checkpoint(signed, place)
        if self._newest is None or signed.checkpoint.size > self._newest.size:
            self._newest = signed.checkpoint

    def _take_checkpoint(self, signed: SignedCheckpoint, place: Location | None) -> None:
        checkpoint = signed.checkpoint
        if checkpoint.origin != self._head.origin:
            self._note(codes.OTHER_LOG.at(place, found=checkpoint.origin, origin=self._head.origin))
            return
        if place is not None or self._signatures.trust.keys:
            self._signatures.check(signed, place)
        self._expected.setdefault(checkpoint.size, []).append((checkpoint, place))
        if checkpoint.size == self._head.begin == self._next:
            self._compare_root()

    def _take_entry(self, line: EntryLine, place: Location) -> None:
        position = line.position
        if position > self._next:
            self._note(codes.ENTRY_MISSING.at(place, first=self._next, last=position - 1))
        elif position < self._next:
            self._note(codes.ENTRY_OUT_OF_ORDER.at(place, position=position, expected=self._next))
        self._is_whole = self._is_whole and position == self._next
        self._next = max(self._next, position + 1)
        if line.entry is None:
            self._redacted += 1
        elif leaf_hash(line.entry.encode()) != line.leaf:
            self._note(codes.ENTRY_CHANGED.at(place, position=position))
        if line.leaf in self._sought:
            self._found[self._sought[line.leaf]] = position
        if self._is_whole:
            self._tree.add(line.leaf)
            self._compare_root()

    def _compare_root(self) -> None:
        """With every checkpoint of the tree's size."""
        size = self._tree.size
        for checkpoint, place in self._expected.get(size, ()):
            if checkpoint.root == self._tree.root():
                self._confirmed = size
                self._matched.add(size)
            else:
                first, last = min(self._confirmed, size - 1), size - 1
                self._note(codes.ROOT_DIFFERS.at(place, first=first, last=last, size=size))

    def verdict(self, limits: Sequence[Words]) -> Verdict:
        """After the last line; ``limits`` is what no bundle proves."""
        newest = self._newest
        size = newest.size if newest else 0
        self._close()
        self._signatures.close(size)
        problems = [*self._problems, *self._signatures.problems, *self._signatures.unwitnessed()]
        proved, unproved = self._signatures.sentences(size)
        return Verdict(
            origin=self._head.origin,
            size=size,
            root=newest.root.hex() if newest else "",
            proved=() if problems else (*self._sentences(size), *proved),
            unproved=(*unproved, *self._left_open(), *limits),
            problems=tuple(problems[:_MOST_PROBLEMS]),
            warnings=tuple(self._signatures.warnings[:_MOST_PROBLEMS]),
        )

    def _close(self) -> None:
        """What is only known at the end: that nothing is left out."""
        if self._newest is None:
            self._note(codes.NO_CHECKPOINT.at())
        elif self._newest.size != self._head.size:
            self._note(self._malformed(Location(self._name, 1, 1), N_("its newest checkpoint is of another size")))
        size = max((self._head.size, *(self._expected)), default=0)
        is_cut = self._ended is None or self._ended != self._next - self._head.begin
        if self._next < size or is_cut:
            self._note(codes.TRUNCATED.at(found=self._next, size=size))
        elif self._newest is not None and self._next > self._newest.size:
            first, last = self._newest.size, self._next - 1
            self._note(codes.ROOT_DIFFERS.at(first=first, last=last, size=self._next))
        for number in self._sought.values():
            if number not in self._found:
                self._note(codes.UNKNOWN_ENTRY.at(line=number, file="--entry"))

    def _sentences(self, size: int) -> list[Words]:
        begin, count = self._head.begin, self._next - self._head.begin
        words = N_(
            "These {count} entries, {first} to {last}, are all that the log {origin} holds there: none was changed,"
            " left out, put in or moved."
        )
        found: list[Words] = [
            phrase(words, count=count, first=begin, last=size - 1, origin=self._head.origin)
            if count
            else phrase(
                N_("The log {origin} holds no entry from {first} on."), origin=self._head.origin, first=begin
            )
        ]
        if self._redacted:
            words = N_("Of {count} of them it is proved that they are there; what they say is not shown.")
            found.append(phrase(words, count=self._redacted))
        older = len(self._matched - {size})
        if older:
            found.append(
                phrase(N_("Older checkpoints in the file that are beginnings of this log: {count}."), count=older)
            )
        given = self._trust.checkpoint
        if given is not None and given.checkpoint.size in self._matched:
            words = N_("The checkpoint of {size} entries that you hold is a beginning of this log.")
            found.append(phrase(words, size=given.checkpoint.size))
        for number, position in sorted(self._found.items()):
            words = N_("The entry on line {line} that you gave is entry {position}.")
            found.append(phrase(words, line=number, position=position))
        return found

    def _left_open(self) -> list[Words]:
        found: list[Words] = []
        if self._head.begin:
            words = N_("What the first {count} entries say: the file has no more than their hashes' roots.")
            found.append(phrase(words, count=self._head.begin))
        given = self._trust.checkpoint
        if given is not None and given.checkpoint.size not in self._matched:
            words = N_("That the checkpoint of {size} entries that you hold is a beginning of this log.")
            found.append(phrase(words, size=given.checkpoint.size))
        return found

    def _malformed(self, place: Location, detail: Words) -> Problem:
        return codes.MALFORMED.at(place, file=self._name, line=place.line, detail=as_phrase(detail))

    def _note(self, problem: Problem) -> None:
        if len(self._problems) < _MOST_PROBLEMS:
            self._problems.append(problem)
