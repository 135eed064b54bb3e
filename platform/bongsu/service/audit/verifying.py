"""Verifying a bundle or a proof: no database, no network, nothing but the file and what its reader trusts.

A bundle is read once, line by line; of the tree no more than its right edge is in memory. The tree is built from the
hashes that stand beside the entries: if it has the root that was signed, every hash is right, and an entry that does
not have its hash is found to the letter. If it has another root, what is wrong lies behind the last checkpoint that was
right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from bongsu.artifacts.durable import NotAFileError
from bongsu.domain.checkpoints import PROOF_HEAD, EntryProof, SignedCheckpoint
from bongsu.domain.codes import audit as codes
from bongsu.domain.merkle import includes, leaf_hash
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, as_phrase, phrase
from bongsu.domain.problems import BongsuError, Location, Problem
from bongsu.domain.signed_notes import VerifierKey
from bongsu.service.audit.bundle_check import BundleCheck
from bongsu.service.audit.bundles import LONGEST_LINE, Head, Line, lines_of, parsed
from bongsu.service.audit.verdict import Signatures, Trust, Verdict

_OTHER_LIMITS = (
    N_("That what the entries say is true: only that nobody changed it since it was signed."),
    N_("That nothing happened since: newer entries are in a newer bundle."),
)


def verify(path: Path, trust: Trust) -> Verdict:
    """Whether a bundle or a proof holds.

    Args:
        path: of the file; which of the two it is, its first line says.
        trust: what is known by another way.

    Raises:
        BongsuError: ``audit.malformed`` for a file that is neither, or in which nothing more can be read.
    """
    name = str(path)
    try:
        with open_regular(path) as file:
            if file.read(len(PROOF_HEAD)) == PROOF_HEAD.encode():
                file.seek(0)
                return verify_proof(_small(file, name), name, trust)
            file.seek(0)
            return verify_bundle(_parsed(file, name), name, trust)
    except OSError as error:
        raise malformed(name, 1, error.strerror or str(error)) from None


def verify_bundle(lines: Iterable[Line], name: str, trust: Trust) -> Verdict:
    """As :func:`verify`, of the lines of a bundle."""
    numbered = enumerate(lines, start=1)
    _number, head = next(numbered, (1, None))
    if not isinstance(head, Head):
        raise malformed(name, 1, N_("a bundle begins with its head"))
    try:
        check = BundleCheck(head, name, trust)
    except ValueError as error:
        raise malformed(name, 1, str(error)) from None
    for number, line in numbered:
        check.take(line, number)
    return check.verdict(_OTHER_LIMITS)


def verify_proof(text: str, name: str, trust: Trust) -> Verdict:
    """As :func:`verify`, of the text of a proof."""
    try:
        proof = EntryProof.parse(text)
    except ValueError as error:
        raise malformed(name, 1, str(error)) from None
    checkpoint = proof.signed.checkpoint
    signatures = Signatures(checkpoint.origin, trust)
    place = Location(name, 1, 1)
    signatures.check(proof.signed, place)
    signatures.close(checkpoint.size)
    for entry in trust.entries or (proof.entry,):
        if not entry or not includes(
            checkpoint.root, checkpoint.size, proof.index, leaf_hash(entry.encode()), proof.proof
        ):
            signatures.problems.append(codes.NOT_INCLUDED.at(place, position=proof.index))
    signatures.problems += signatures.unwitnessed()
    proved, unproved = signatures.sentences(checkpoint.size)
    words = N_("The entry is in the log {origin}, at position {position} of {size}.")
    here = phrase(words, origin=checkpoint.origin, position=proof.index, size=checkpoint.size)
    return Verdict(
        origin=checkpoint.origin,
        size=checkpoint.size,
        root=checkpoint.root.hex(),
        proved=() if signatures.problems else (here, *proved),
        unproved=(*unproved, *_OTHER_LIMITS),
        problems=tuple(signatures.problems),
        warnings=tuple(signatures.warnings),
    )


def read_checkpoint(path: Path) -> SignedCheckpoint:
    """A checkpoint out of a file. Raises ``audit.malformed``."""
    try:
        return SignedCheckpoint.parse(read_small(path))
    except ValueError as error:
        raise malformed(str(path), 1, str(error)) from None


def read_keys(texts: Iterable[str]) -> tuple[VerifierKey, ...]:
    """Public keys, each as a text or in a file that has one a line. Whoever names a file means a key of it: one
    without any is refused, as nothing would be checked by it.

    Raises:
        BongsuError: ``audit.bad-key`` and ``audit.no-keys``, all of them together; ``audit.malformed``.
    """
    found: list[VerifierKey] = []
    problems: list[Problem] = []
    for text in texts:
        words = list(_words_of(text))
        if not words:
            problems.append(codes.NO_KEYS.at(file=text))
        for word, place in words:
            try:
                found.append(VerifierKey.parse(word))
            except ValueError as error:
                told = "PRIVATE+KEY+…" if word.startswith("PRIVATE+KEY+") else word  # no message has a secret in it
                problems.append(codes.BAD_KEY.at(place, key=told, detail=as_phrase(str(error))))
                break  # a file of something else has nothing but such words
    if problems:
        raise BongsuError(problems)
    return tuple(found)


def _words_of(text: str) -> Iterator[tuple[str, Location | None]]:
    """What should be keys, with the places of those that stand in a file."""
    if not text.strip():
        return
    if "+" in text and not Path(text).is_file():
        yield text, None
        return
    for number, line in enumerate(read_small(Path(text)).split("\n"), start=1):
        for word in re.finditer(r"\S+", line):
            yield word.group(), Location(text, number, word.start() + 1)


def read_entries(path: Path) -> tuple[str, ...]:
    """Texts of entries, one a line. Raises ``audit.no-entries`` for a file without any, ``audit.malformed``."""
    found = tuple(filter(None, read_small(path).split("\n")))
    if not found:
        raise codes.NO_ENTRIES.error(file=str(path))
    return found


def read_small(path: Path) -> str:
    """The text of a file that is no larger than a line of a bundle may be. Raises ``audit.malformed``."""
    try:
        with open_regular(path) as file:
            return _small(file, str(path))
    except OSError as error:
        raise malformed(str(path), 1, error.strerror or str(error)) from None


def open_regular(path: Path) -> IO[bytes]:
    """A file for reading; nothing that could make its reader wait. Raises OSError."""
    if path.exists() and not path.is_file():
        raise NotAFileError(22, "it is not a file", str(path))
    return path.open("rb")


def malformed(name: str, line: int, detail: Words) -> BongsuError:
    """What to raise for a file that cannot be read from ``line`` on."""
    return codes.MALFORMED.error(Location(name, line, 1), file=name, line=line, detail=as_phrase(detail))


def _small(file: IO[bytes], name: str) -> str:
    data = file.read(LONGEST_LINE + 1)
    if len(data) > LONGEST_LINE:
        raise malformed(name, 1, N_("it is too long"))
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise malformed(name, 1, N_("it is not UTF-8")) from None


def _parsed(file: IO[bytes], name: str) -> Iterator[Line]:
    for number, raw in enumerate(lines_of(file), start=1):
        try:
            yield parsed(raw)
        except ValueError as error:
            raise malformed(name, number, str(error)) from None
