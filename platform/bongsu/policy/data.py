"""May a run of this purpose in this ministry take these bytes now.

Permits speak of data; what is made of data (tokens, models, reports) is a use of it as well. So every data set that
the bytes are, or were made from at whatever distance, has to be permitted for the purpose.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from bongsu.domain.codes import governance as codes
from bongsu.domain.data_permits import DatasetPermit, SharedObject
from bongsu.domain.ids import Digest
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase
from bongsu.domain.problems import Problem
from bongsu.domain.suspension import ModelOrigin
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass
from bongsu.policy.decision import Decision
from bongsu.policy.rule import Rule
from bongsu.policy.uses import day

UNNAMED = N_(
    "some of the data that it is or was made from is not permitted for this; its name is for those who may see it"
)
WHEN = N_("when a run is planned and submitted, before each attempt, and when its worker asks for the bytes")
DATA = Rule(
    "data.permitted",
    N_(
        "A run takes data only for a purpose that a data custodian permits at this time: one of its own ministry, or"
        " one of another ministry that has shared the data for this purpose, and nobody else of what a run took of it."
        " It holds for whatever was made of the data, too."
    ),
    (
        N_("use class of the run"),
        N_("ministry of the run"),
        N_("data permits"),
        N_("access permits"),
        N_("lineage"),
    ),
    "JSP 936 Part 1 (data), N2SF 1.0, Personal Information Protection Act art. 18",
    WHEN,
)
SHARED_MODEL = Rule(
    "data.model-shared",
    N_(
        "A run takes a model of another ministry only by an access permit of that ministry, for its purpose, under"
        " whatever name."
    ),
    (N_("use class of the run"), N_("ministry of the run"), N_("ministry of the model"), N_("access permits")),
    "N2SF 1.0",
    WHEN,
)
SUSPENDED = Rule(
    "model.suspended",
    N_("Nothing is begun with a model that is suspended, or with anything that was made from it."),
    (N_("suspensions"), N_("lineage")),
    "US DoD Directive 3000.09 and DoD AI Ethical Principles: governable; NATO Principles: governability",
    N_("when a run is planned and submitted, before each attempt, in each pass over running runs"),
)


@dataclass(frozen=True)
class Purpose:
    """Who takes something, and what for."""

    use_class: UseClass
    ministry: str


@dataclass(frozen=True)
class Taken:
    """A tree that is taken, and what it comes from.

    Attributes:
        name: as whoever asks calls it; another ministry's names are not told to them.
        data: digests of the data that it is or was made from.
        models: registered models that it is or was made from.
    """

    name: str
    digest: Digest
    data: frozenset[Digest] = frozenset()
    models: tuple[ModelOrigin, ...] = ()


@dataclass(frozen=True)
class Permits:
    """Those that may matter.

    Attributes:
        data: of data sets.
        shared: of access.
        received: which ministries have which trees because a run took them by a permit of access. Such bytes are not a
            ministry's own, whatever it registers or permits of them: they are taken as what was shared.
    """

    data: tuple[DatasetPermit, ...] = ()
    shared: tuple[SharedObject, ...] = ()
    received: frozenset[tuple[Tenant, Digest]] = frozenset()

    def is_own(self, ministry: str, owner: str, digest: Digest) -> bool:
        """Whether a ministry decides itself on bytes that ``owner`` registered or permits."""
        return owner == ministry and (Tenant(ministry), digest) not in self.received


def decide(
    purpose: Purpose, taken: Taken, permits: Permits, now: float, hidden: Collection[Digest]
) -> list[Decision]:
    """What each rule says of taking the tree.

    Args:
        purpose: who takes it, and what for.
        taken: the tree.
        permits: those that may matter.
        now: seconds since the epoch.
        hidden: of the data, what whoever is told of this may not see: the rules hold for it, and nothing is said of it.
    """
    return [
        _not_suspended(taken),
        _model_shared(purpose, taken, permits, now),
        *(_permitted(purpose, taken, digest, permits, now) for digest in sorted(taken.data - set(hidden))),
        *_all_hidden_permitted(purpose, taken, sorted(taken.data & set(hidden)), permits, now),
    ]


def ends(purpose: Purpose, digest: Digest, permits: Permits) -> Iterator[float]:
    """Until when each of the permits holds by which the data may be taken, some of which may be over, or not begun:
    seconds since the epoch. One of another ministry ends when its sharing does."""
    for permit in permits.data:
        if permit.digest != digest or purpose.use_class not in permit.use_classes:
            continue
        if permits.is_own(purpose.ministry, permit.tenant, digest):
            yield permit.until
        for share in _shares(purpose, permit.object, permit.tenant, permits.shared):
            yield min(permit.until, share.until)


def holds(purpose: Purpose, digest: Digest, permits: Permits, now: float) -> bool:
    """Whether the data may be taken for the purpose at this time."""
    fitting = [
        p for p in permits.data if p.digest == digest and purpose.use_class in p.use_classes and p.holds(now)
    ]
    return any(
        permits.is_own(purpose.ministry, permit.tenant, digest)
        or any(share.holds(now) for share in _shares(purpose, permit.object, permit.tenant, permits.shared))
        for permit in fitting
    )


def _permitted(purpose: Purpose, taken: Taken, digest: Digest, permits: Permits, now: float) -> Decision:
    facts = {"use class": purpose.use_class.value, "ministry": purpose.ministry, "digest": digest}
    if holds(purpose, digest, permits, now):
        return DATA.allow(**facts)
    return DATA.deny(_not_permitted(purpose, taken, _why_not(purpose, digest, permits, now)), **facts)


def _all_hidden_permitted(
    purpose: Purpose, taken: Taken, digests: Iterable[Digest], permits: Permits, now: float
) -> Iterator[Decision]:
    """One decision of all data that whoever is told of it may not see: not even how much of it there is."""
    missing = [digest for digest in digests if not holds(purpose, digest, permits, now)]
    if missing:
        facts = {"use class": purpose.use_class.value, "ministry": purpose.ministry, "digest": ", ".join(missing)}
        yield DATA.deny(_not_permitted(purpose, taken, phrase(UNNAMED)), **facts)


def _not_permitted(purpose: Purpose, taken: Taken, fact: Words) -> Problem:
    args = {"name": taken.name, "use_class": purpose.use_class.value, "ministry": purpose.ministry, "fact": fact}
    return codes.DATA_NOT_PERMITTED.at(None, f"spec.inputs.{taken.name}", **args)


def _why_not(purpose: Purpose, digest: Digest, permits: Permits, now: float) -> Words:
    """As far as the ministry may know: of its own permits, and of what was shared with it."""
    given = [permit for permit in permits.data if permit.digest == digest]
    own = [permit for permit in given if permits.is_own(purpose.ministry, permit.tenant, digest)]
    fitting = [permit for permit in own if purpose.use_class in permit.use_classes]
    if fitting:
        last = max(fitting, key=lambda permit: permit.until)
        name = f"{last.name}/{last.version}"
        if now < last.begins_at:
            return phrase(N_("the permit of {name} begins on {day}"), name=name, day=day(last.begins_at))
        return phrase(N_("the permit of {name} ended on {day}"), name=name, day=day(last.until))
    over = [until for until in ends(purpose, digest, permits) if until <= now]
    if over:
        return phrase(N_("what shared it ended on {day}"), day=day(max(over)))
    if any(permit.holds(now) for permit in own):
        allowed = sorted({use.value for permit in own if permit.holds(now) for use in permit.use_classes})
        return phrase(N_("its permits name {allowed} alone"), allowed=", ".join(allowed))
    return phrase(N_("no permit speaks of the data that it is or was made from"))


def _model_shared(purpose: Purpose, taken: Taken, permits: Permits, now: float) -> Decision:
    """Of the model that the tree is, not of those that it was made from: having what was made of them was a decision
    of whoever has them."""
    itself = [model for model in taken.models if model.digest == taken.digest]
    facts = {"use class": purpose.use_class.value, "ministry": purpose.ministry}
    if not itself or any(
        permits.is_own(purpose.ministry, model.ministry, taken.digest)
        or any(share.holds(now) for share in _shares(purpose, model.object, model.ministry, permits.shared))
        for model in itself
    ):
        return SHARED_MODEL.allow(**facts)
    args = {"name": taken.name, "use_class": purpose.use_class.value, "ministry": purpose.ministry}
    return SHARED_MODEL.deny(codes.MODEL_NOT_SHARED.at(None, f"spec.inputs.{taken.name}", **args), **facts)


def _not_suspended(taken: Taken) -> Decision:
    stopped = [model for model in taken.models if model.suspended_at is not None]
    if not stopped:
        return SUSPENDED.allow()
    problem = codes.MODEL_SUSPENDED.at(None, f"spec.inputs.{taken.name}", name=taken.name)
    return SUSPENDED.deny(problem, models=", ".join(sorted(model.object for model in stopped)))


def _shares(purpose: Purpose, object_: str, giver: str, shared: Iterable[SharedObject]) -> Iterator[SharedObject]:
    for share in shared:
        is_of_it = (share.object, share.giver) == (object_, giver)
        if is_of_it and (share.ministry, share.purpose) == (purpose.ministry, purpose.use_class):
            yield share
