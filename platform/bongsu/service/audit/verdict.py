"""What a verification is told to trust, and what it says: what is proved, what is not, what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bongsu.domain.checkpoints import SignedCheckpoint
from bongsu.domain.codes import audit as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.problems import Location, Problem
from bongsu.domain.signed_notes import SignatureKind, VerifierKey


@dataclass(frozen=True)
class Trust:
    """What whoever verifies knows by another way than the file.

    Attributes:
        keys: of logs; without any, those that came with the file are taken, and the verdict says so. Whoever gives
            some means them: a file of another log is signed by none of them.
        witnesses: each has to have signed a beginning of the log; the verdict says how much of it, and that the rest is
            not proved. Without any, as with ``keys``.
        checkpoint: of the same log, from an earlier time.
        entries: texts that have to be in the log.
    """

    keys: tuple[VerifierKey, ...] = ()
    witnesses: tuple[VerifierKey, ...] = ()
    checkpoint: SignedCheckpoint | None = None
    entries: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Attributes:
    origin: name of the log; empty if the file does not even tell that.
    size: entries of the newest checkpoint.
    root: its root in hexadecimal digits.
    proved, unproved: sentences.
    problems: what is wrong; nothing is proved by a file that has any.
    warnings: what counts for nothing.
    """

    origin: str
    size: int
    root: str
    proved: tuple[Words, ...] = ()
    unproved: tuple[Words, ...] = ()
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.problems


@dataclass
class Signatures:
    """Signatures under the checkpoints of one file, checked as they come.

    Attributes:
        origin: of the log.
        trust: whose keys count.
        log_keys, witnesses: whose signature was found right: names by the largest size, and the time of it.
        problems, warnings: what was found.
    """

    origin: str
    trust: Trust
    log_keys: dict[str, int] = field(default_factory=dict)
    witnesses: dict[str, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    # Of checkpoints that only keys which came with the file have signed, though others were given.
    _by_claim: list[tuple[int, Problem]] = field(default_factory=list)
    # Keys of the log that came with the file, and those of witnesses by what a line tells of its key.
    _claimed: dict[VerifierKey, None] = field(default_factory=dict)
    _witnesses: dict[tuple[str, bytes], list[VerifierKey]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in self.trust.witnesses:
            self._witnesses.setdefault((key.name, key.id), []).append(key)

    def claim(self, key: VerifierKey) -> None:
        """A key that came with the file; it counts where none was given."""
        if key.kind is SignatureKind.LOG and key.name == self.origin:
            self._claimed[key] = None
        elif key.kind is SignatureKind.WITNESS and not self.trust.witnesses:
            self._witnesses.setdefault((key.name, key.id), []).append(key)

    @property
    def given(self) -> tuple[VerifierKey, ...]:
        """Keys of this log that whoever verifies gave."""
        return tuple(key for key in self.trust.keys if key.name == self.origin)

    def check(self, signed: SignedCheckpoint, place: Location | None) -> bool:
        """Look at every signature; True if one of the log is right and none is wrong."""
        checkpoint, note = signed
        before = len(self.problems)
        counted = 0
        for key in self._log_keys():
            for line in note.of(key):
                if key.signed(note.text, line.signature):
                    counted += 1
                    self.log_keys[str(key)] = max(checkpoint.size, self.log_keys.get(str(key), 0))
                else:
                    self._wrong(codes.WRONG_SIGNATURE.at(place, name=line.name, size=checkpoint.size))
        if not counted and len(self.problems) == before:
            unsigned = codes.UNSIGNED.at(place, size=checkpoint.size, origin=self.origin)
            if self._is_signed_by_claim(signed):
                self._by_claim.append((checkpoint.size, unsigned))
            else:
                self._wrong(unsigned)
        self._check_witnesses(signed, place)
        return len(self.problems) == before

    def close(self, size: int) -> None:
        """After the last checkpoint, of ``size`` entries: that one has to be signed by a key that was given. Older
        ones may be by a former key; they count for nothing then, and the tree shows that they are beginnings."""
        is_signed = any(seen >= size for seen in self.log_keys.values())
        for signed, problem in self._by_claim:
            (self.warnings if is_signed or signed < size else self.problems).append(problem)

    def _is_signed_by_claim(self, signed: SignedCheckpoint) -> bool:
        note = signed.note
        return any(key.signed(note.text, line.signature) for key in self._claimed for line in note.of(key))

    def _check_witnesses(self, signed: SignedCheckpoint, place: Location | None) -> None:
        checkpoint, note = signed
        for line in note.signatures:
            if line.name == self.origin:
                continue  # of the log itself, maybe by a key that is not known here
            # An id has four bytes, so that keys can be made that have the same one.
            called_so = self._witnesses.get((line.name, line.key_id), [])
            key = next((one for one in called_so if one.signed(note.text, line.signature)), None)
            if not called_so:
                self.warnings.append(codes.UNKNOWN_WITNESS.at(place, name=line.name, size=checkpoint.size))
            elif key is None:
                self._wrong(codes.WRONG_SIGNATURE.at(place, name=line.name, size=checkpoint.size))
            elif checkpoint.size >= self.witnesses.get(str(key), (0, 0))[0]:
                self.witnesses[str(key)] = (checkpoint.size, line.witnessed_at)

    def _log_keys(self) -> Iterable[VerifierKey]:
        return self.given if self.trust.keys else self._claimed

    def _wrong(self, problem: Problem) -> None:
        self.problems.append(problem)

    def unwitnessed(self) -> list[Problem]:
        """Witnesses whose signature was asked for, and that signed nothing here."""
        return [
            codes.NOT_WITNESSED.at(name=key.name) for key in self.trust.witnesses if str(key) not in self.witnesses
        ]

    def sentences(self, size: int) -> tuple[list[Words], list[Words]]:
        """What the signatures prove of a log of ``size`` entries, and what they do not."""
        proved: list[Words] = []
        unproved: list[Words] = []
        for key in self.log_keys:
            if self.given:
                proved.append(phrase(N_("The log signed this with the key that you gave: {key}."), key=key))
            else:
                words = N_(
                    "That {key} is the log's key: it came with the file. Compare it with what the ministry publishes,"
                    " and give it with --key."
                )
                unproved.append(phrase(words, key=key))
        for key, (seen, at) in self.witnesses.items():
            values = {"key": key, "seen": seen, "time": _moment(at)}
            if self.trust.witnesses:
                words = N_("The witness {key} saw the first {seen} entries on {time}, and no other history before.")
                proved.append(phrase(words, **values))
            else:
                words = N_(
                    "That {key}, which signed {seen} entries on {time}, is a witness: give its key with --witness."
                )
                unproved.append(phrase(words, **values))
        seen = max((seen for seen, _at in self.witnesses.values()), default=0) if self.trust.witnesses else 0
        if seen < size:
            words = N_(
                "That everybody is shown the same entries from {seen} on: no witness that you named has signed them, so"
                " whoever holds the log's key could show others another history."
            )
            unproved.append(phrase(words, seen=seen))
        return proved, unproved


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, ValueError, OSError):
        return str(seconds)
