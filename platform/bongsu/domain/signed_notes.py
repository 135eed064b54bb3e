"""Signed notes: a text, and under it lines of signatures (https://c2sp.org/signed-note).

Two kinds of signature are known, both Ed25519 (RFC 8032): that of a log under its own text, and that of a witness,
which also says when it saw the text (https://c2sp.org/tlog-cosignature). Keys are written as Go's ``sumdb/note`` does:
``name+id+base64`` for who checks, ``PRIVATE+KEY+name+id+base64`` for who signs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from enum import IntEnum

from bongsu.domain.messages import N_

LONGEST_NOTE = 65_536
"""In characters."""
MOST_SIGNATURES = 100
"""Under a note."""
_ID_BYTES = 4
_KEY_BYTES = 32
_TIME_BYTES = 8
_PREFIX = "— "
_SECRET = "PRIVATE+KEY+"


class SignatureKind(IntEnum):
    """The byte by which a key says what its signatures are over."""

    LOG = 1
    WITNESS = 4


@dataclass(frozen=True)
class VerifierKey:
    """The public half of a key, under the name that its signatures carry.

    Attributes:
        name: without blanks and without ``+``; for a log, its origin.
        public: 32 bytes.
        kind: of its signatures.
    """

    name: str
    public: bytes
    kind: SignatureKind = SignatureKind.LOG

    def __post_init__(self) -> None:
        if not self.name or "+" in self.name or any(letter.isspace() for letter in self.name):
            raise ValueError(N_("the name of a key has neither blanks nor + and is not empty"))
        if len(self.public) != _KEY_BYTES:
            raise ValueError(N_("an Ed25519 key has 32 bytes"))

    @property
    def id(self) -> bytes:
        """Four bytes that tell keys of one name apart. They are no fingerprint: others can be made to have them."""
        return hashlib.sha256(f"{self.name}\n".encode() + bytes([self.kind]) + self.public).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_text(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """What ``str()`` wrote. Raises ValueError."""
        name, key_id, data = _parts(text)
        if data[0] not in list(SignatureKind):
            raise ValueError(N_("this kind of key is not known"))
        key = cls(name, data[1:], SignatureKind(data[0]))
        if key.id.hex() != key_id:
            raise ValueError(N_("the parts of the key do not belong together"))
        return key

    def signed(self, text: str, signature: bytes) -> bool:
        """True if ``signature`` is this key's under ``text``."""
        if self.kind is SignatureKind.LOG:
            return _is_signature(self.public, text.encode(), signature)
        time = int.from_bytes(signature[:_TIME_BYTES], "big")
        return _is_signature(self.public, _witnessed(text, time), signature[_TIME_BYTES:])


@dataclass(frozen=True)
class SigningKey:
    """A key that signs; its secret is in no text of it but :meth:`secret`."""

    name: str
    seed: bytes = field(repr=False)

    def public(self, kind: SignatureKind = SignatureKind.LOG, name: str = "") -> VerifierKey:
        """Its public half, under another name if there is one."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return VerifierKey(name or self.name, public, kind)

    def sign(self, text: str, name: str = "") -> SignatureLine:
        """A log's signature under ``text``."""
        return self._line(self.public(SignatureKind.LOG, name), b"", text.encode())

    def cosign(self, text: str, time: int) -> SignatureLine:
        """A witness's signature under ``text``, seen at ``time`` (whole seconds since the epoch)."""
        stamp = time.to_bytes(_TIME_BYTES, "big")
        return self._line(self.public(SignatureKind.WITNESS), stamp, _witnessed(text, time))

    def _line(self, key: VerifierKey, before: bytes, message: bytes) -> SignatureLine:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)
        return SignatureLine(key.name, key.id, before + signature)

    def secret(self) -> str:
        """As it is kept in a file that only its owner may read."""
        data = bytes([SignatureKind.LOG]) + self.seed
        return f"{_SECRET}{self.name}+{self.public().id.hex()}+{_text(data)}"

    @classmethod
    def parse(cls, text: str) -> SigningKey:
        """What :meth:`secret` wrote. Raises ValueError, whose words hold nothing of the text."""
        if not text.startswith(_SECRET):
            raise ValueError(N_("a key that signs begins with PRIVATE+KEY+"))
        name, key_id, data = _parts(text.removeprefix(_SECRET))
        if data[0] != SignatureKind.LOG or len(data) != 1 + _KEY_BYTES:
            raise ValueError(N_("this kind of key is not known"))
        key = cls(name, data[1:])
        if key.public().id.hex() != key_id:
            raise ValueError(N_("the parts of the key do not belong together"))
        return key


@dataclass(frozen=True)
class SignatureLine:
    """One signature; ``str()`` is its line without the end of the line."""

    name: str
    key_id: bytes
    signature: bytes

    def is_of(self, key: VerifierKey) -> bool:
        """True if it claims to be this key's."""
        return (self.name, self.key_id) == (key.name, key.id)

    @property
    def witnessed_at(self) -> int:
        """When a witness saw the text, in seconds since the epoch; for cosignatures alone."""
        return int.from_bytes(self.signature[:_TIME_BYTES], "big")

    def __str__(self) -> str:
        return f"{_PREFIX}{self.name} {_text(self.key_id + self.signature)}"

    @classmethod
    def parse(cls, line: str) -> SignatureLine:
        """Raises ValueError."""
        name, blank, data = line.removeprefix(_PREFIX).partition(" ")
        raw = decoded(data)
        if not line.startswith(_PREFIX) or not name or not blank or len(raw) <= _ID_BYTES:
            raise ValueError(N_("a line of a signature is not of the form “— name base64”"))
        return cls(name, raw[:_ID_BYTES], raw[_ID_BYTES:])


@dataclass(frozen=True)
class SignedNote:
    """``text`` ends with the end of a line; ``str()`` is the whole note."""

    text: str
    signatures: tuple[SignatureLine, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(f"{line}\n" for line in self.signatures)

    def of(self, key: VerifierKey) -> tuple[SignatureLine, ...]:
        """Signatures that claim to be of this key, right or wrong."""
        return tuple(line for line in self.signatures if line.is_of(key))

    @classmethod
    def parse(cls, data: str, *, is_bounded: bool = True) -> SignedNote:
        """Raises ValueError for what is no signed note, and if it ``is_bounded``, for an enormous one: only what stands
        in files of one's own may be of any size."""
        if is_bounded and len(data) > LONGEST_NOTE:
            raise ValueError(N_("it is too long for a signed note"))
        if any((letter < " " and letter != "\n") or "\ud800" <= letter <= "\udfff" for letter in data):
            raise ValueError(N_("a signed note is UTF-8 without control characters"))
        text, gap, lines = data.rpartition("\n\n")
        if not gap or not lines.endswith("\n"):
            raise ValueError(N_("a signed note is a text, an empty line and lines of signatures"))
        found = lines[:-1].split("\n")
        if is_bounded and len(found) > MOST_SIGNATURES:
            raise ValueError(N_("the note has too many signatures"))
        return cls(text + "\n", tuple(map(SignatureLine.parse, found)))


def decoded(text: str) -> bytes:
    """Bytes of base64 in its one canonical spelling. Raises ValueError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(N_("it is not base64")) from None
    if _text(data) != text:
        raise ValueError(N_("it is not base64"))
    return data


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _parts(text: str) -> tuple[str, str, bytes]:
    name, key_id, data = [*text.split("+", 2), "", ""][:3]
    raw = decoded(data)
    if not raw:
        raise ValueError(N_("a key is of the form name+id+base64"))
    return name, key_id, raw


def _witnessed(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _is_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
