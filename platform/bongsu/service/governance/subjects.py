"""What a proposal is about, as the store has it now: whose it is, and what an approval of it would bind."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection

from bongsu.domain.approval import Binding, Proposal, ProposalKind
from bongsu.domain.codes import governance as codes
from bongsu.domain.labels import Label
from bongsu.domain.model_bundles import target_parts
from bongsu.domain.problems import BongsuError
from bongsu.domain.use_register import FEWEST_APPROVERS
from bongsu.domain.uses import UseClass
from bongsu.policy.access import Thing
from bongsu.policy.approvals import DOWNGRADE, SEPARATION, is_lower
from bongsu.policy.uses import approvers_needed
from bongsu.service.governance.permission import require_allowed
from bongsu.store.governed_objects import Found, binding_of, find_object, is_well_formed, runs_behind
from bongsu.store.grades import grades_of_site
from bongsu.store.lift_bindings import lift_binding
from bongsu.store.ministries import takes_part
from bongsu.store.permitted_uses import uses_of
from bongsu.store.submitters import submitters_of
from bongsu.store.suspensions import open_suspensions

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


def subject_of(
    connection: Connection, tenant: str, kind: ProposalKind, object_: str, target: str, evidence_until: float
) -> Subject | None:
    """None if the ministry has no such thing."""
    if kind is ProposalKind.LIFT:
        held = (one for one in open_suspensions(connection) if (one.tenant, one.object) == (tenant, object_))
        suspension = next((one for one in held if target in ("", one.id)), None)
        if suspension is None:
            return None
        binding = lift_binding(connection, suspension)
        return Subject(Thing(object_, tenant, Label.parse(binding.label)), binding)
    found = find_object(connection, tenant, object_)
    if found is None or (kind.lets_use and not found.use_class):
        return None
    return Subject(found.thing, binding_of(connection, found, kind, target, evidence_until), found)


def subject_of_proposal(connection: Connection, proposal: Proposal) -> Subject | None:
    """What it is about now; None if that is there no longer."""
    bound = proposal.binding
    return subject_of(connection, proposal.tenant, bound.kind, bound.object, bound.target, bound.evidence_until)


def needed(connection: Connection, subject: Subject, now: float) -> int:
    """How many people have to approve: as the tier of the use says, and two for what is no use."""
    if not subject.binding.kind.lets_use:
        return FEWEST_APPROVERS
    register = uses_of(connection, [subject.thing.ministry])
    return approvers_needed(UseClass(subject.binding.use_class), subject.thing.ministry, register, now)


def submitters_behind(connection: Connection, subject: Subject) -> frozenset[str]:
    """Who submitted the runs behind it. Raises ``approval.submitter-unknown`` for a model of which nobody knows."""
    if subject.found is None:
        return frozenset()
    behind = runs_behind(connection, subject.found)
    known = submitters_of(connection, behind)
    unknown = sorted(behind - set(known))
    if unknown and subject.binding.kind.lets_use:
        require_allowed(SEPARATION.deny(codes.SUBMITTER_UNKNOWN.at(run=", ".join(unknown))))
    return frozenset().union(*known.values())


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
