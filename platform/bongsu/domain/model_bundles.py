"""What is said of a model that leaves the house: one document in one spelling, and the text that is signed of it. Pure.

The file around it is :mod:`bongsu.artifacts.bundle_form`; ADR 22 says why it is as it is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from bongsu.domain.approval import Binding, ProposalKind
from bongsu.domain.artifact import ArtifactType, FileEntry, Manifest, check_tree_path
from bongsu.domain.ids import DIGEST_PATTERN, Digest, digest_of
from bongsu.domain.labels import Label
from bongsu.domain.messages import N_
from bongsu.domain.people import MINISTRY_NAME
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.problems import BongsuError
from bongsu.domain.uses import UseClass

FORMAT: Final = "bongsu-model/v1"
LONGEST_DOCUMENT = 32 * 1024 * 1024
"""In bytes; a file of a tree takes some 200 of them."""
MOST_FILES = 100_000
LONGEST_CARD = 65_536
"""In characters; a longer card is left out, and lies in the house that made it."""
_PLACE = "[a-z0-9][a-z0-9.-]{0,199}"
_TARGET = re.compile(rf"(?P<ministry>{MINISTRY_NAME.pattern})(?:/(?P<place>{_PLACE}))?")

ADigest = Annotated[Digest, Field(pattern=DIGEST_PATTERN.pattern)]
Milliseconds = Annotated[int, Field(ge=0, lt=1000 * 8**11, description="Since the epoch.")]
Line = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, alias_generator=to_camel, populate_by_name=True
    )


class Decider(_Part):
    """Somebody who said yes, and when."""

    person: Line
    decided_at: Milliseconds


class Approval(_Part):
    """A proposal that was carried out. ``binding`` is the digest that its deciders said yes to."""

    proposal: Line
    binding: ADigest
    evidence_until: Milliseconds
    deciders: Annotated[tuple[Decider, ...], Field(min_length=1)]


class Evidence(_Part):
    """An evaluation or a verification that speaks for the model; its bytes stay in the house."""

    digest: ADigest
    type: ArtifactType
    label: Label


class Source(_Part):
    """An input or a data set that the model came from."""

    name: Line
    digest: ADigest
    label: Label


class BundleDocument(_Part):
    """Attributes:
    origin: name of the giver's log, which is the name of the keys that sign.
    signers: public keys of all signatures under the document, in their order.
    ministry: the giver; empty for a home of one person.
    governed: whether ministries share the giver's store; where they do not, nobody approves anything.
    target: the ministry that is to get it, with ``/`` and the name of its installation if it is for that one alone.
    plan_hash: of the run that registered the model.
    statement: what the run said that it was for.
    evidence: sorted by digest, as approvals bind it.
    digest: of the tree of ``files``.
    sources: sorted; without those that nobody may know of who may know of the model.
    left_out: how many those are.
    card: of the model, in Markdown; empty if it has none.
    """

    format: Literal["bongsu-model/v1"] = FORMAT
    origin: Line
    signers: Annotated[tuple[Line, ...], Field(min_length=1)]
    ministry: Line
    governed: bool
    name: Line
    version: Annotated[int, Field(ge=1, lt=1_000_000_000)]
    target: Line
    label: Label
    use_class: UseClass
    statement: Annotated[str, Field(max_length=4000)]
    plan_hash: Line
    evidence: tuple[Evidence, ...]
    approvals: tuple[Approval, ...]
    sources: tuple[Source, ...]
    left_out: Annotated[int, Field(ge=0, lt=1 << 31)]
    card: Annotated[str, Field(max_length=LONGEST_CARD)]
    digest: ADigest
    files: Annotated[tuple[FileEntry, ...], Field(min_length=1, max_length=MOST_FILES)]
    exported_at: Milliseconds
    exported_by: Line

    @property
    def object(self) -> str:
        return f"model:{self.name}/{self.version}"

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(one.size for one in self.files)

    def canonical(self) -> bytes:
        """The one spelling: JSON in UTF-8 with sorted keys and no blanks, and the end of a line."""
        content = self.model_dump(mode="json", by_alias=True)
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return f"{text}\n".encode()

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """What :meth:`canonical` wrote. Raises Malformed for whatever is another spelling, or contradicts itself."""
        if len(raw) > LONGEST_DOCUMENT:
            raise Malformed(N_("its document is too long"))
        try:
            found = cls.model_validate_json(raw)
            is_canonical = found.canonical() == raw
        except ValidationError as error:
            raise Malformed(_told(error)) from None
        except (ValueError, RecursionError):
            raise Malformed(N_("its document is no JSON")) from None
        if not is_canonical:
            raise Malformed(N_("its document is not in its one spelling: sorted keys, no blanks, nothing twice"))
        return found

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        """Everything that the document says twice is the same both times."""
        paths = [one.path for one in self.files]
        if paths != sorted(set(paths), key=str.encode) or any(map(_is_unsafe, paths)):
            raise ValueError(N_("a file has a path that is not safe, or is not in its place"))
        folders = {path[:place] for path in paths for place, letter in enumerate(path) if letter == "/"}
        if folders & set(paths):
            raise ValueError(N_("a file is a folder, too"))
        if any(one.size >= 1 << 62 for one in self.files):
            raise ValueError(N_("a file is larger than any disk"))
        if Manifest(files=self.files).digest != self.digest:
            raise ValueError(N_("its digest is not that of its files"))
        if target_parts(self.target) is None:
            raise ValueError(N_("its target is no ministry"))
        if not self.governed and self.approvals:
            raise ValueError(N_("nobody approves anything in a home of one person"))
        if self.governed and not self.approvals:
            raise ValueError(N_("nobody approved it"))
        if any(self.binding(one.evidence_until).digest != one.binding for one in self.approvals):
            raise ValueError(N_("an approval in it is for something else"))
        return self

    def binding(self, evidence_until: int) -> Binding:
        """What an approval of this transfer binds."""
        return Binding(
            kind=ProposalKind.TRANSFER,
            object=self.object,
            target=self.target,
            content=self.digest,
            evidence=tuple(one.digest for one in self.evidence),
            plan_hash=self.plan_hash,
            label=str(self.label),
            use_class=self.use_class.value,
            evidence_ends_at=evidence_until / 1000,
        )

    def note(self) -> str:
        """The text that is signed."""
        return note_text(self.origin, digest_of(self.canonical()))


class Malformed(Exception):
    """Why something is no document of a bundle."""

    def __init__(self, detail: Words) -> None:
        super().__init__(str(detail))
        self.detail = detail


def note_text(origin: str, digest: Digest) -> str:
    """The text that is signed: no checkpoint of a log begins as it does."""
    return f"{FORMAT}\n{origin}\n{digest}\n"


@dataclass(frozen=True)
class House:
    """Who takes a bundle in: a ministry, in an installation (its ``site``) that may have any name, or none."""

    ministry: str
    site: str = ""

    @classmethod
    def named(cls, text: str) -> House:
        """``MINISTRY`` or ``MINISTRY/SITE``."""
        ministry, _, site = text.partition("/")
        return cls(ministry, site)

    def __str__(self) -> str:
        return f"{self.ministry}/{self.site}" if self.site else self.ministry


def target_parts(target: str) -> tuple[str, str] | None:
    """The ministry, and the name of its installation if there is one; None for what is no target."""
    match = _TARGET.fullmatch(target)
    return (match["ministry"], match["place"] or "") if match else None


def _is_unsafe(path: str) -> bool:
    try:
        check_tree_path(path)
    except BongsuError:
        return True
    return False


def _told(error: ValidationError) -> Words:
    first: Any = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return N_("its document is no JSON")
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    place = ".".join(map(str, first["loc"]))
    return phrase(N_("its document is not of this form at {field}"), field=place or "–")
