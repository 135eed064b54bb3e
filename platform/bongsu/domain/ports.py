"""Typed inputs and outputs of a stage."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bongsu.domain.artifact import ArtifactType


class Role(StrEnum):
    """What a model is to the stage that takes it."""

    SUBJECT = "subject"  # what it works on: trains, compresses, measures, registers
    TEACHER = "teacher"  # what the subject learns from
    BASELINE = "baseline"  # what subjects are compared with: the uncompressed model


@dataclass(frozen=True)
class Port:
    """One named input or output.

    Attributes:
        type: what the tree must be.
        many: takes a list, and gathers all points of a matrix that it is given.
        optional: may be left out (inputs only).
        doc: one sentence for ``bongsu stages show``.
        refuses: types that it does not take although ``type`` would accept them.
        role: of a model (inputs only). The planner, the comparison of a run's models and the rule of registrations go
            by it, whatever the port is called.
        learned: a model learns these texts as they were given (inputs only): somebody is told that nothing masks
        personal data in them.
    """

    type: ArtifactType
    many: bool = False
    optional: bool = False
    doc: str = ""
    refuses: frozenset[ArtifactType] = frozenset()
    role: Role = Role.SUBJECT
    learned: bool = False

    def accepts(self, type_: ArtifactType) -> bool:
        """Whether a tree of this type may be given."""
        return self.type.accepts(type_) and type_ not in self.refuses


def Documents(doc: str = "", *, many: bool = False, optional: bool = False) -> Port:
    """Text documents: parquet files with the columns ``id``, ``text``, ``source``."""
    return Port(ArtifactType.DOCUMENTS, many, optional, doc)


def Tokens(doc: str = "", *, many: bool = False, optional: bool = False) -> Port:
    """Packed token sequences with a train and a held-out part."""
    return Port(ArtifactType.TOKENS, many, optional, doc)


def Model(doc: str = "", *, many: bool = False, optional: bool = False, role: Role = Role.SUBJECT) -> Port:
    """A model in the layout of transformers, tokenizer included."""
    return Port(ArtifactType.MODEL, many, optional, doc, role=role)


def Evaluation(doc: str = "", *, many: bool = False, optional: bool = False) -> Port:
    """Measured figures of one model: ``evaluation.json``."""
    return Port(ArtifactType.EVALUATION, many, optional, doc)


def Verification(doc: str = "", *, many: bool = False, optional: bool = False) -> Port:
    """Proof that a model reloads to the same outputs: ``verification.json``."""
    return Port(ArtifactType.VERIFICATION, many, optional, doc)


def Registration(doc: str = "", *, many: bool = False, optional: bool = False) -> Port:
    """A request to register a model version: ``registration.json`` and the model card."""
    return Port(ArtifactType.REGISTRATION, many, optional, doc)


def Files(doc: str = "", *, many: bool = False, optional: bool = False) -> Port:
    """Any files."""
    return Port(ArtifactType.FILES, many, optional, doc)


def Texts(doc: str = "", *, many: bool = False, optional: bool = False, learned: bool = False) -> Port:
    """Files to read as text: given or made, and none of what stages make for other stages or for people."""
    made = frozenset(ArtifactType) - {ArtifactType.FILES, ArtifactType.DOCUMENTS}
    return Port(ArtifactType.FILES, many, optional, doc, made, learned=learned)
