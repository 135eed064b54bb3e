"""What a proposal is about, as the store has it now: whose it is, and what an approval of it would bind."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bongsu.domain.approval import Binding, Proposal, ProposalKind
from bongsu.domain.codes import governance as codes
from bongsu.domain.labels import Label
from bongsu.domain.model_bundles import target_parts
from bongsu.domain.problems import BongsuError
from bongsu.domain.suspension import Suspension
from bongsu.domain.use_register import FEWEST_APPROVERS
from bongsu.domain.uses import UseClass
from bongsu.policy.access import Thing
from bongsu.policy.approvals import DOWNGRADE, SEPARATION, is_lower
from bongsu.policy.uses import approvers_needed
from bongsu.service.governance.permission import require_allowed
from bongsu.store.governed_objects import Found, find_objects, grounds_of, is_well_formed, runs_behind
from bongsu.store.grades import grades_of_site
from bongsu.store.lift_bindings import lift_bindings
from bongsu.store.ministries import takes_part
from bongsu.store.permitted_uses import uses_of
from bongsu.store.submitters import submitters_of
from bongsu.store.suspensions import suspensions_of

# MLflow keeps `latest` and `v3` to itself, and would never be told of such an alias.
_ALIAS = re.compile(r"(?!latest$|v[0-9]+$)[a-z][a-z0-9-]{0,99}")
_PLACE = re.compile(r"[a-z0-9][a-z0-9./-]{0,199}")


@dataclass(frozen=True)
class Subject:
    """``found``: the object itself; None for a suspension."""

    thing: Thing
    binding: Binding
    found: Found | None = None

    @property
    def model(self) -> str:
        """The name of the model; empty for what is none."""
        kind, _, rest = self.binding.object.partition(":")
        return rest.partition("/")[0] if kind == "model" else ""


@dataclass(frozen=True)
class Matter:
    """What is proposed, or was: as it is written, whatever is there."""

    tenant: str
    kind: ProposalKind
    object: str
    target: str
    evidence_ends_at: float | None

    @classmethod
    def of(cls, proposal: Proposal) -> Matter:
        bound = proposal.binding
        return cls(proposal.tenant, bound.kind, bound.object, bound.target, bound.evidence_ends_at)


class Subjects:
    """What proposals are about, as one snapshot has it: read once for all that is told of them in it, and in as many
    statements for a page of them as for one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[Matter, Subject | None] = {}

    def of(self, proposals: Sequence[Proposal]) -> list[Subject | None]:
        """Of each, what it is about now; None if that is there no longer."""
        matters = [Matter.of(one) for one in proposals]
        new = [one for one in dict.fromkeys(matters) if one not in self._known]
        self._known.update(zip(new, subjects_of(self._connection, new), strict=True))
        return [self._known[one] for one in matters]


def subject_of(connection: Connection, matter: Matter) -> Subject | None:
    """None if the ministry has no such thing."""
    return subjects_of(connection, [matter])[0]


def subject_of_proposal(connection: Connection, proposal: Proposal) -> Subject | None:
    """What it is about now; None if that is there no longer."""
    return subject_of(connection, Matter.of(proposal))


def subjects_of(connection: Connection, matters: Sequence[Matter]) -> list[Subject | None]:
    """As :func:`subject_of`, of each of these."""
    lifts = _lifts(connection, [one for one in matters if one.kind is ProposalKind.LIFT])
    found = find_objects(
        connection, [(one.tenant, one.object) for one in matters if one.kind is not ProposalKind.LIFT]
    )
    grounds = grounds_of(connection, found.values())

    def subject(matter: Matter) -> Subject | None:
        if matter.kind is ProposalKind.LIFT:
            return lifts.get(matter)
        known = found.get((matter.tenant, matter.object))
        if known is None or (matter.kind.lets_use and not known.use_class):
            return None
        binding = grounds[known].binding(matter.kind, matter.target, matter.evidence_ends_at)
        return Subject(known.thing, binding, known)

    return [subject(one) for one in matters]


def _lifts(connection: Connection, matters: Sequence[Matter]) -> dict[Matter, Subject]:
    """Of those of these whose suspension holds."""
    held = suspensions_of(connection, {one.object.removeprefix("model:").partition("/")[0] for one in matters})
    meant: dict[Matter, Suspension] = {}
    for matter in matters:
        of_it = (one for one in held if (one.tenant, one.object) == (matter.tenant, matter.object))
        suspension = next((one for one in of_it if matter.target in ("", one.id)), None)
        if suspension is not None:
            meant[matter] = suspension
    bindings = lift_bindings(connection, list(meant.values()))
    subjects = {}
    for matter, suspension in meant.items():
        binding = bindings[suspension.id]
        subjects[matter] = Subject(Thing(matter.object, matter.tenant, Label.parse(binding.label)), binding)
    return subjects


def needed(connection: Connection, subject: Subject, now: float) -> int:
    """How many people have to approve: as the tier of the use says, and two for what is no use."""
    return needed_for(connection, [subject], now)[subject]


def needed_for(connection: Connection, subjects: Collection[Subject], now: float) -> dict[Subject, int]:
    """As :func:`needed`, for each of these."""
    ministries = {one.thing.ministry for one in subjects if one.binding.kind.lets_use}
    register = uses_of(connection, ministries) if ministries else ()

    def number(subject: Subject) -> int:
        if not subject.binding.kind.lets_use:
            return FEWEST_APPROVERS
        return approvers_needed(UseClass(subject.binding.use_class), subject.thing.ministry, register, now)

    return {one: number(one) for one in subjects}


def submitters_behind(connection: Connection, subject: Subject) -> frozenset[str]:
    """Who submitted the runs behind it. Raises ``approval.submitter-unknown`` for a model of which nobody knows."""
    known, unknown = _submitters(connection, [subject])[subject]
    if unknown and subject.binding.kind.lets_use:
        require_allowed(SEPARATION.deny(codes.SUBMITTER_UNKNOWN.at(run=", ".join(unknown))))
    return known


def known_submitters(connection: Connection, subjects: Collection[Subject]) -> dict[Subject, frozenset[str]]:
    """As :func:`submitters_behind`, of each of these, as far as they are known."""
    return {one: known for one, (known, _unknown) in _submitters(connection, subjects).items()}


def _submitters(
    connection: Connection, subjects: Collection[Subject]
) -> dict[Subject, tuple[frozenset[str], list[str]]]:
    """Of each, who submitted the runs behind it, and the runs of which nobody knows."""
    behind = runs_behind(connection, {one.found: one.binding.evidence for one in subjects if one.found})
    known = submitters_of(connection, set().union(*behind.values()))

    def of(subject: Subject) -> tuple[frozenset[str], list[str]]:
        its_runs = behind[subject.found] if subject.found else set()
        people = (known.get(run, ()) for run in its_runs)
        return frozenset().union(*people), sorted(its_runs - set(known))

    return {one: of(one) for one in subjects}


def check_target(connection: Connection, kind: ProposalKind, object_: str, target: str) -> None:
    """Raises ``governance.bad-object``, ``approval.bad-target``, ``downgrade.bad-label``."""
    if kind is not ProposalKind.LIFT and not is_well_formed(object_):
        raise codes.BAD_OBJECT.error(None, "object", object=object_)
    match kind:
        case ProposalKind.PROMOTION:
            fits = bool(_ALIAS.fullmatch(target))
        case ProposalKind.TRANSFER:
            parts = target_parts(target)
            fits = parts is not None and takes_part(connection, parts[0])
        case ProposalKind.SERVING:
            fits = bool(_PLACE.fullmatch(target))
        case ProposalKind.DOWNGRADE:
            label_named(target)
            fits = True
        case ProposalKind.LIFT:
            fits = True
    if not fits:
        raise codes.BAD_ALIAS.error(None, "target", target=target)


def check_lower(subject: Subject) -> None:
    """Raises ``downgrade.not-lower``."""
    bound = subject.binding
    if not is_lower(label_named(bound.target), Label.parse(bound.label)):
        args = {"target": bound.target, "label": bound.label, "object": bound.object}
        require_allowed(DOWNGRADE.deny(codes.NOT_LOWER.at(None, "target", **args)))


def label_written(connection: Connection, text: str) -> Label:
    """The label that somebody wrote. It may be of any grade: what a site states under another scheme is lowered to the
    grades of that before it has them. Raises ``downgrade.bad-label``."""
    try:
        return grades_of_site(connection).label(text)
    except ValueError:
        return label_named(text)


def label_named(text: str) -> Label:
    """Raises ``downgrade.bad-label``."""
    try:
        return Label.parse(text)
    except ValueError:
        raise BongsuError([codes.BAD_LABEL.at(None, "target", target=text)]) from None
