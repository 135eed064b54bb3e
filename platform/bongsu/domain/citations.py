"""What people refer to in registers and permits: a data card, the evidence for a use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from bongsu.domain.object_names import is_object, object_name

_ADDRESS = re.compile(r"https?://(?:[\w.-]*\w|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?(?:[/?#]\S*)?")
_PORTS = range(1, 65536)
# An office and a number, as official documents are cited by: 국방인공지능기획과-1234.
_DOCUMENT = re.compile(r"document:(?=.*\d)(?P<number>\w[^\r\n\t]{1,198}[\w)])")


class CitedKind(StrEnum):
    ARTIFACT = "artifact"
    MODEL = "model"
    DATASET = "dataset"
    ADDRESS = "address"  # of a page elsewhere
    DOCUMENT = "document"  # by its number, wherever it is kept

    @property
    def is_ours(self) -> bool:
        """Whether the store knows if it exists."""
        return self in (CitedKind.ARTIFACT, CitedKind.MODEL, CitedKind.DATASET)


@dataclass(frozen=True)
class Citation:
    """A reference that can be followed.

    Attributes:
        reference: in one spelling: ``artifact:sha256-...``, ``model:NAME/3``, ``dataset:NAME/1``, an address, or
            ``document:NUMBER``.
    """

    kind: CitedKind
    reference: str

    @classmethod
    def parse(cls, text: str) -> Citation | None:
        """None if nobody could follow it. A digest may stand alone; versions may be written as pipelines have them
        (``datasets:/law/1``)."""
        text = text.strip()
        named = object_name(text, unmarked="")
        if is_object(named):
            return cls(CitedKind(named.partition(":")[0]), named)
        if document := _DOCUMENT.fullmatch(text):
            return cls(CitedKind.DOCUMENT, f"document:{document['number']}")
        return cls(CitedKind.ADDRESS, text) if _is_address(text) else None


def _is_address(text: str) -> bool:
    """Of a page, without a name or password in it."""
    found = _ADDRESS.fullmatch(text)
    return found is not None and text.isprintable() and int(found["port"] or 1) in _PORTS
