"""Everything that somebody may do to a bundle: bytes, members, headers, the document, the signatures.

Each mutation is a function of chance and of a good bundle. Some are signed by the giver's own key afterwards: a house
that writes what it should not is no more believed than a stranger. Long, because it is the table of all of them.
"""

from __future__ import annotations

import io
import json
import random
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bundle_places import KEYS, OTHER_KEY

from bongsu.artifacts.bundle_form import BLOCK, DOCUMENT, END, NOTE, TREE, Member
from bongsu.domain.artifact import FileEntry, Manifest
from bongsu.domain.ids import digest_of
from bongsu.domain.model_bundles import BundleDocument, note_text
from bongsu.domain.signed_notes import SignedNote, SigningKey

Chance = random.Random
SPECIAL = {
    "link": tarfile.SYMTYPE,
    "hard link": tarfile.LNKTYPE,
    "device": tarfile.CHRTYPE,
    "block device": tarfile.BLKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "folder": tarfile.DIRTYPE,
    "sparse": tarfile.GNUTYPE_SPARSE,
    "long name": tarfile.GNUTYPE_LONGNAME,
    "contiguous": tarfile.CONTTYPE,
    "old": tarfile.AREGTYPE,
}
NAMES = (
    "../evil",
    "/tmp/evil",
    "tree/../../evil",
    "tree/a\\b",
    "tree//x",
    "tree/./x",
    "evil",
    "tree/é",
    "tree/a\nb",
    "",
)


@dataclass(frozen=True)
class Whole:
    """A good bundle in its parts.

    Attributes:
        raw: of the document.
        note: as it is written.
        files: what the tree holds, by its path.
    """

    raw: bytes
    note: bytes
    files: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, data: bytes) -> Whole:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            found = [(one.name, tar.extractfile(one).read()) for one in tar]  # type: ignore[union-attr]
        assert [name for name, _ in found[:2]] == [DOCUMENT, NOTE]
        files = tuple((name.removeprefix(TREE), content) for name, content in found[2:])
        return cls(found[0][1], found[1][1], files)

    @cached_property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.raw)
        return found

    @property
    def time(self) -> int:
        return BundleDocument.parse(self.raw).exported_at // 1000

    def members(self) -> list[bytes]:
        named = [(DOCUMENT, self.raw), (NOTE, self.note), *((TREE + name, data) for name, data in self.files)]
        return [member(name, data, self.time) for name, data in named]

    def data(self) -> bytes:
        return b"".join(self.members()) + END

    def signed(self, document: Any, keys: Sequence[SigningKey] = KEYS.keys, *, raw: bytes | None = None) -> bytes:
        """With another document, signed anew; ``raw`` if it is not spelled as it should."""
        raw = canonical(document) if raw is None else raw
        text = note_text(document["origin"], digest_of(raw))
        note = SignedNote(text, tuple(key.sign(text, document["origin"]) for key in keys))
        time = document["exportedAt"] // 1000 if isinstance(document.get("exportedAt"), int) else self.time
        named = [(DOCUMENT, raw), (NOTE, str(note).encode()), *((TREE + name, data) for name, data in self.files)]
        return b"".join(member(name, data, time) for name, data in named) + END


def canonical(document: Any) -> bytes:
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"{text}\n".encode("utf-8", "surrogatepass")


def member(name: str, data: bytes, time: int) -> bytes:
    return Member(name, len(data), time).header + data + bytes(-len(data) % BLOCK)


def header(name: str, size: int, **fields: Any) -> bytes:
    """As a tar program would write it, its sum included."""
    found = tarfile.TarInfo(name)
    found.size = size
    found.mode = 0o644
    for field, value in fields.items():
        setattr(found, field, value)
    return found.tobuf(tarfile.GNU_FORMAT if fields.get("type") == tarfile.GNUTYPE_LONGNAME else tarfile.PAX_FORMAT)


Mutation = Callable[[Chance, Whole], bytes]


# -- bytes ---------------------------------------------------------------------------------------------------------


def flip_a_bit(chance: Chance, good: Whole) -> bytes:
    data = bytearray(good.data())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def change_a_byte(chance: Chance, good: Whole) -> bytes:
    data = bytearray(good.data())
    data[chance.randrange(len(data))] ^= chance.randrange(1, 256)
    return bytes(data)


def change_what_fills_a_block(chance: Chance, good: Whole) -> bytes:
    """Behind a file, where only zeros stand."""
    members = good.members()
    places = [at for at, (_name, data) in enumerate(good.files, start=2) if len(data) % BLOCK]
    at = chance.choice(places)
    fill = bytearray(members[at])
    fill[-chance.randrange(1, -len(good.files[at - 2][1]) % BLOCK + 1)] = chance.randrange(1, 256)
    members[at] = bytes(fill)
    return b"".join(members) + END


def change_the_end(chance: Chance, good: Whole) -> bytes:
    end = bytearray(END)
    end[chance.randrange(len(end))] = chance.randrange(1, 256)
    return b"".join(good.members()) + bytes(end)


def cut(chance: Chance, good: Whole) -> bytes:
    data = good.data()
    return data[: chance.randrange(len(data))]


def cut_out(chance: Chance, good: Whole) -> bytes:
    data = good.data()
    start = chance.randrange(len(data) - 1)
    return data[:start] + data[start + chance.choice([1, BLOCK, chance.randrange(1, len(data))]) :]


def put_in(chance: Chance, good: Whole) -> bytes:
    data = good.data()
    at = chance.randrange(len(data) + 1)
    return (
        data[:at] + chance.choice([b"\x00", bytes(BLOCK), chance.randbytes(BLOCK), bytes(10 * BLOCK)]) + data[at:]
    )


# -- members -------------------------------------------------------------------------------------------------------


def double_a_member(chance: Chance, good: Whole) -> bytes:
    members = good.members()
    members.insert(chance.randrange(len(members) + 1), chance.choice(members))
    return b"".join(members) + END


def swap_members(chance: Chance, good: Whole) -> bytes:
    members = good.members()
    one, other = chance.sample(range(len(members)), 2)
    members[one], members[other] = members[other], members[one]
    return b"".join(members) + END


def leave_a_member_out(chance: Chance, good: Whole) -> bytes:
    members = good.members()
    members.pop(chance.randrange(len(members)))
    return b"".join(members) + END


def add_a_member(chance: Chance, good: Whole) -> bytes:
    members = good.members()
    name = chance.choice([TREE + "evil.py", DOCUMENT, NOTE, "evil", *NAMES[:3]])
    members.insert(chance.randrange(len(members) + 1), member(name, b"evil", good.time))
    return b"".join(members) + END


def swap_contents(chance: Chance, good: Whole) -> bytes:
    one, other = chance.sample(range(len(good.files)), 2)
    files = list(good.files)
    files[one], files[other] = (files[one][0], files[other][1]), (files[other][0], files[one][1])
    return replace(good, files=tuple(files)).data()


def exchange_a_file(chance: Chance, good: Whole) -> bytes:
    """By another of the same size."""
    at = chance.choice([at for at, (_name, data) in enumerate(good.files) if data])
    name, data = good.files[at]
    files = list(good.files)
    files[at] = (name, bytes(letter ^ 0x55 for letter in data))
    return replace(good, files=tuple(files)).data()


# -- headers, each with the right sum ------------------------------------------------------------------------------


def _with_header(chance: Chance, good: Whole, **fields: Any) -> bytes:
    members = good.members()
    at = chance.randrange(len(members))
    plain = [DOCUMENT, NOTE, *(TREE + name for name, _ in good.files)]
    contents = [good.raw, good.note, *(data for _, data in good.files)]
    name = fields.pop("name", plain[at])
    made = header(name, fields.pop("size", len(contents[at])), **({"mtime": good.time} | fields))
    members[at] = made + contents[at] + bytes(-len(contents[at]) % BLOCK)
    return b"".join(members) + END


def make_it_special(chance: Chance, good: Whole) -> bytes:
    return _with_header(chance, good, type=SPECIAL[chance.choice(sorted(SPECIAL))], linkname="/etc/passwd")


def name_it_otherwise(chance: Chance, good: Whole) -> bytes:
    return _with_header(chance, good, name=chance.choice(NAMES))


def date_it_otherwise(chance: Chance, good: Whole) -> bytes:
    return _with_header(chance, good, mtime=chance.choice([0, good.time + 1, good.time - 1, good.time + 0.5]))


def own_it_otherwise(chance: Chance, good: Whole) -> bytes:
    field, value = chance.choice(
        [("mode", 0o4755), ("mode", 0o600), ("uid", 1000), ("gid", 1), ("uname", "root"), ("gname", "root")]
    )
    return _with_header(chance, good, **{field: value})


def size_it_otherwise(chance: Chance, good: Whole) -> bytes:
    return _with_header(chance, good, size=chance.choice([0, 1, 8**11 - 1, 8**11, 1 << 40, 1 << 62]))


def write_a_number_otherwise(chance: Chance, good: Whole) -> bytes:
    """Sizes that programs read differently: in base 256, with a sign, with blanks, and none."""
    data = bytearray(good.data())
    data[124:136] = chance.choice(
        [
            b"\x80" + (1 << 40).to_bytes(11, "big"),
            b"-0000000001\x00",
            b" 0000000777 ",
            bytes(12),
            b"0x000000100\x00",
        ]
    )
    data[148:156] = b"%06o\x00 " % (sum(data[:148]) + 256 + sum(data[156:512]))
    return bytes(data)


# -- the document --------------------------------------------------------------------------------------------------


def lower_the_label(chance: Chance, good: Whole) -> dict[str, Any]:
    label = chance.choice(
        [
            {"grade": "O", "compartments": []},
            {"grade": "S", "compartments": []},
            {"grade": "O", "compartments": ["logistics"]},
        ]
    )
    return good.document | {"label": label | {"declassifyOn": chance.choice([None, "2026-01-01"])}}


def change_the_label(chance: Chance, good: Whole) -> dict[str, Any]:
    label = {"grade": chance.choice(["C", "S", "X", ""]), "compartments": ["air"], "declassifyOn": None}
    return good.document | {"label": label}


def change_a_field(chance: Chance, good: Whole) -> dict[str, Any]:
    field, value = chance.choice(
        [
            ("target", "msit"),
            ("target", "army/elsewhere"),
            ("target", "../army"),
            ("useClass", "translation"),
            ("useClass", "lethal-autonomy"),
            ("ministry", "msit"),
            ("name", "axk2"),
            ("version", 2),
            ("version", 0),
            ("governed", False),
            ("planHash", ""),
            ("approvals", []),
            ("evidence", []),
            ("digest", "sha256-" + "0" * 64),
            ("files", []),
            ("format", "bongsu-model/v2"),
            ("exportedAt", -1),
            ("exportedAt", 1.0),
            ("exportedAt", 10**30),
            ("signers", []),
            ("leftOut", "0"),
            ("card", None),
            ("statement", "x" * 5000),
        ]
    )
    return good.document | {field: value}


def change_an_approval(chance: Chance, good: Whole) -> dict[str, Any]:
    (known,) = good.document["approvals"]
    change = chance.choice(
        [{"binding": "sha256-" + "a" * 64}, {"evidenceUntil": 0}, {"deciders": []}, {"evidenceUntil": 10**12}]
    )
    return good.document | {"approvals": [known | change]}


def change_a_listed_file(chance: Chance, good: Whole) -> dict[str, Any]:
    """The digest of all of them fits again; what was approved does not."""
    files = [dict(one) for one in good.document["files"]]
    at = chance.randrange(len(files))
    change = chance.choice(
        [
            *({"path": path} for path in ("../evil", "/tmp/evil", "a\u202eb", "weights", files[at - 1]["path"])),
            *({"size": size} for size in (1 << 50, 1 << 70, -1)),
            {"sha256": "0" * 64},
        ]
    )
    files[at] |= change
    listed = [FileEntry.model_construct(**one) for one in files]
    return good.document | {"files": files, "digest": Manifest.model_construct(files=tuple(listed)).digest}


def add_a_field(chance: Chance, good: Whole) -> dict[str, Any]:
    place = chance.choice(["", "label", "files"])
    if place == "label":
        return good.document | {"label": good.document["label"] | {"note": "x"}}
    if place == "files":
        return good.document | {"files": [one | {"mode": 511} for one in good.document["files"]]}
    return good.document | {"more": None}


def leave_a_field_out(chance: Chance, good: Whole) -> dict[str, Any]:
    left = dict(good.document)
    del left[chance.choice(sorted(set(left) - {"origin"}))]
    return left


CHANGES = (
    lower_the_label,
    change_the_label,
    change_a_field,
    change_an_approval,
    change_a_listed_file,
    add_a_field,
    leave_a_field_out,
)


def change_the_document(chance: Chance, good: Whole) -> bytes:
    """And leave the signature."""
    raw = canonical(chance.choice(CHANGES)(chance, good))
    return b"".join([member(DOCUMENT, raw, good.time), *good.members()[1:]]) + END


def change_the_document_and_what_is_signed(chance: Chance, good: Whole) -> bytes:
    """The digest in the note is that of the new document, its signature is the old one."""
    raw = canonical(chance.choice(CHANGES)(chance, good))
    note = SignedNote.parse(good.note.decode())
    new = SignedNote(note_text(good.document["origin"], digest_of(raw)), note.signatures)
    written = member(DOCUMENT, raw, good.time) + member(NOTE, str(new).encode(), good.time)
    return b"".join([written, *good.members()[2:]]) + END


def sign_a_changed_document_oneself(chance: Chance, good: Whole) -> bytes:
    """With a key that bears the name of the giver's."""
    document = chance.choice(CHANGES)(chance, good)
    return good.signed(document | {"signers": [str(OTHER_KEY.public(name=document["origin"]))]}, [OTHER_KEY])


def contradict_oneself(chance: Chance, good: Whole) -> bytes:
    """Signed by the giver, and not to be believed."""
    change = chance.choice(
        [change_an_approval, change_a_listed_file, add_a_field, leave_a_field_out, lower_the_label]
    )
    return good.signed(change(chance, good))


def spell_it_otherwise(chance: Chance, good: Whole) -> bytes:
    """The same document in another spelling, signed by the giver."""
    text = good.raw.decode()
    keys = list(good.document)
    chance.shuffle(keys)
    unsorted = json.dumps({key: good.document[key] for key in keys}, ensure_ascii=False, separators=(",", ":"))
    spellings = [
        text.replace('"version":1', '"version":1,"version":1'),
        text.replace('"label":{', '"label":{"compartments":[],"declassifyOn":null,"grade":"O"},"label":{'),
        text.replace('"grade":"S"', '"grade":"O","grade":"S"'),
        text.replace('"leftOut":0', '"leftOut":NaN'),
        text.replace('"leftOut":0', '"leftOut":-0'),
        text.replace('"leftOut":0', '"leftOut":0.0'),
        text.replace('"leftOut":0', '"leftOut":0e0'),
        text.replace('"leftOut":0', '"leftOut":Infinity'),
        text.replace('"leftOut":0', f'"leftOut":{"9" * 5000}'),
        text.replace('"leftOut":0', f'"leftOut":{"[" * 100_000}{"]" * 100_000}'),
        text.replace('"version":1', '"version": 1'),
        text.replace("axk1", "\\u0061xk1"),
        text.rstrip("\n"),
        text + "\n",
        " " + text,
        "\ufeff" + text,
        text.replace("\n", "\r\n"),
        text + text,
        text.replace('"card":"', '"card":"\\ud800'),
        json.dumps(good.document, ensure_ascii=False, sort_keys=True),
        unsorted + "\n" if keys != sorted(keys) else "[]",
        "[" * 50_000,
        "null\n",
        "",
    ]
    return good.signed(good.document, raw=chance.choice(spellings).encode())


# -- signatures ----------------------------------------------------------------------------------------------------


def sign_it_oneself(chance: Chance, good: Whole) -> bytes:
    origin = chance.choice(["bongsu.example/mnd", "bongsu.example/army", "other.example/mnd"])
    document = good.document | {"origin": origin, "signers": [str(OTHER_KEY.public(name=origin))]}
    return good.signed(document, [OTHER_KEY])


def change_the_signatures(chance: Chance, good: Whole) -> bytes:
    note = SignedNote.parse(good.note.decode())
    (line,) = note.signatures
    stranger = OTHER_KEY.sign(note.text, line.name)
    wrong = replace(line, signature=bytes([line.signature[0] ^ 1]) + line.signature[1:])
    signatures = chance.choice(
        [
            *(
                (line, stranger),
                (stranger, line),
                (stranger,),
                (line, line),
                (wrong,),
                (line, wrong),
                (wrong, line),
            ),
            (replace(line, name="other.example/mnd"),),
            (replace(line, key_id=bytes(4)),),
            (replace(line, signature=line.signature + b"\x00"),),
            (KEYS.keys[0].cosign(note.text, 1),),
        ]
    )
    written = str(SignedNote(note.text, signatures)).encode()
    members = good.members()
    return b"".join([members[0], member(NOTE, written, good.time), *members[2:]]) + END


def change_the_note(chance: Chance, good: Whole) -> bytes:
    text = good.note.decode()
    written = chance.choice(
        [
            "",
            text + "\n",
            text.replace("\n\n", "\n"),
            text.replace("\n\n", "\nmore\n\n"),
            text.replace("bongsu-model/v1", "bongsu-audit/v1"),
            text.replace("sha256-", "SHA256-"),
            text.replace("\n", "\r\n"),
            text * 2,
            text.replace("—", "-"),
            "x" * 300_000,
            "\n",
        ]
    )
    members = good.members()
    return b"".join([members[0], member(NOTE, written.encode(), good.time), *members[2:]]) + END


MUTATIONS: dict[Mutation, int] = {
    flip_a_bit: 190,
    change_a_byte: 150,
    change_what_fills_a_block: 20,
    change_the_end: 10,
    cut: 60,
    cut_out: 30,
    put_in: 40,
    double_a_member: 25,
    swap_members: 25,
    leave_a_member_out: 15,
    add_a_member: 40,
    swap_contents: 15,
    exchange_a_file: 10,
    make_it_special: 40,
    name_it_otherwise: 30,
    date_it_otherwise: 15,
    own_it_otherwise: 15,
    size_it_otherwise: 20,
    write_a_number_otherwise: 10,
    change_the_document: 50,
    change_the_document_and_what_is_signed: 50,
    sign_a_changed_document_oneself: 25,
    contradict_oneself: 40,
    spell_it_otherwise: 40,
    sign_it_oneself: 5,
    change_the_signatures: 15,
    change_the_note: 15,
}
"""Of every kind how many: 1,000 in all."""
