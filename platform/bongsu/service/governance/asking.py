"""How each use case of this package begins and ends: who asks is looked at, what is refused is recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

from sqlalchemy import Connection

from bongsu.domain.audit import AuditEvent, AuditOutcome, rules_of
from bongsu.domain.citations import Citation
from bongsu.domain.codes import governance as codes
from bongsu.domain.ids import digest_of
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.people import Actor
from bongsu.domain.periods import LONGEST_YEARS, YEAR_S
from bongsu.domain.problems import BongsuError
from bongsu.domain.tenants import Tenant
from bongsu.policy import purpose
from bongsu.policy.access import Permission, Thing, Verdict, cleared_for, judge, permissions_in
from bongsu.policy.access_rules import decision
from bongsu.policy.decision import Decision
from bongsu.service.platform import Platform
from bongsu.service.recording import append_refusal
from bongsu.store import audit
from bongsu.store.governed_objects import find_object
from bongsu.store.ministries import is_governed, takes_part
from bongsu.store.permits import permits_for
from bongsu.store.proposals import StaleProposal
from bongsu.store.taken import Taken

T = TypeVar("T")
LONGEST = 4000
_TRIES = 5


@dataclass(frozen=True)
class Ask:
    """Somebody asks for something.

    Attributes:
        tenant: the ministry in which they ask.
        action: as the log names it, e.g. ``use.register``.
        object: what it is about, e.g. ``model:axk1-admin/3``.
        request_id: of the request, for the log.
    """

    platform: Platform
    actor: Actor
    tenant: Tenant
    action: str
    object: str
    request_id: str = ""

    @property
    def now(self) -> float:
        return self.platform.clock()


@contextmanager
def recorded(ask: Ask, kinds: Collection[str] = ()) -> Iterator[None]:
    """What is refused inside is raised, and written into the log of the ministry in which it was asked for, or of one
    of the actor's own if they are nothing there; of kinds of errors (``use`` for ``use.not-permitted``), if there are
    any, nothing else is written."""
    try:
        yield
    except BongsuError as error:
        if not kinds or any(problem.code.name.partition(".")[0] in kinds for problem in error.problems):
            _record_refusal(ask, error)
        raise


def refuse_unknown(ask: Ask) -> NoReturn:
    """What was asked for does not exist, as far as the actor may know. Raises ``governance.one-person`` where there are
    no ministries, else ``governance.no-such``."""
    with ask.platform.read() as connection:
        if not is_governed(connection):
            raise codes.ONE_PERSON.error()
    raise codes.NO_SUCH.error(object=ask.object)


def _record_refusal(ask: Ask, error: BongsuError) -> None:
    if ask.platform.database.read_only:
        return  # nothing could be asked for that would have changed anything
    facts: dict[str, Any] = {"codes": sorted({problem.code.name for problem in error.problems})}
    facts |= rules_of(error.problems)
    words = purpose.refused_words(error)
    if words:
        facts["words"] = words
    with ask.platform.write() as connection:
        # A ministry hears who names a forbidden use for it. Else nobody's log is written by who is nothing there.
        heard = bool(words) or ask.tenant in ask.actor.ministries
        homes = [*([ask.tenant] if heard else []), *sorted(ask.actor.ministries)]
        tenant = next((one for one in homes if takes_part(connection, one)), None)
        if tenant is not None:
            event = AuditEvent(
                tenant=Tenant(tenant),
                actor=ask.actor.id,
                action=ask.action,
                object=ask.object[:300],
                at=ask.now,
                outcome=AuditOutcome.REFUSED,
                facts=facts,
                request_id=ask.request_id,
            )
            append_refusal(connection, ask.platform, event)


def done(connection: Connection, ask: Ask, label: Label = OPEN, **facts: Any) -> None:
    """Record what was done, in its transaction and as its last statement."""
    event = AuditEvent(
        tenant=ask.tenant,
        actor=ask.actor.id,
        action=ask.action,
        object=ask.object[:300],
        at=ask.now,
        label=label,
        facts=facts,
        request_id=ask.request_id,
    )
    audit.append(connection, event)


def demand(connection: Connection, ask: Ask, thing: Thing, *permissions: Permission) -> None:
    """Go on only if the actor may do one of these to the thing.

    Raises:
        BongsuError: ``governance.one-person`` where there are no ministries, ``governance.no-such``,
            ``governance.not-permitted``.
    """
    if not is_governed(connection):
        raise codes.ONE_PERSON.error()
    shared = permits_for(connection, ask.actor.ministries, ask.now)
    now = moment(ask.now)
    verdicts = [(one, judge(ask.actor, one, thing, shared, now)) for one in permissions]
    if not any(verdict is Verdict.ALLOWED for _permission, verdict in verdicts):
        permission, verdict = verdicts[0]
        allowed_or_raise(decision(ask.actor, permission, thing, verdict))


def allowed_or_raise(*decisions: Decision) -> None:
    """Go on only if every rule allows it; all that deny are raised together."""
    problems = [one.problem for one in decisions if one.problem]
    if problems:
        raise BongsuError(problems)


def ministries_for(ask: Ask, permission: Permission, ministry: str | None) -> list[str]:
    """Where the actor may look: in one ministry, or in all of theirs. Raises ``governance.no-such``."""
    allowed = [one for one in sorted(ask.actor.ministries) if permission in permissions_in(ask.actor, one)]
    if ministry is None:
        return allowed
    if ministry not in allowed:
        raise codes.NO_SUCH.error(object=f"ministry:{ministry}")
    return [ministry]


def ministry_of(actor: Actor, given: str | None) -> str:
    """The ministry that somebody acts in: the one that they name, or the only one in which they are anything. Raises
    ``governance.which-ministry``; empty in a home of one person, where use cases say what they say."""
    if given is not None:
        return given
    found = sorted(actor.ministries)
    if len(found) > 1:
        raise codes.WHICH_MINISTRY.error(found=", ".join(found))
    return found[0] if found else ""


def ministry_thing(ministry: str) -> Thing:
    """The register of a ministry as something that is asked for."""
    return Thing(f"ministry:{ministry}", ministry, OPEN)


def screened(**texts: str) -> None:
    """What people write beside a use is read as pipelines are. Raises ``policy.forbidden-use``,
    ``governance.no-reason``, ``governance.too-long``."""
    problems = []
    for name, text in texts.items():
        if not text.strip():
            problems.append(codes.NO_REASON.at(None, name, field=name))
        if len(text) > LONGEST:
            problems.append(codes.TOO_LONG.at(None, name, field=name, size=len(text), limit=LONGEST))
    problems += purpose.problems(texts)
    if problems:
        raise BongsuError(problems)


def declared(ask: Ask, texts: Mapping[str, str]) -> None:
    """Names, titles and cards that say what something is for are read as pipelines are; a refusal is recorded. Raises
    ``policy.forbidden-use``."""
    with recorded(ask):
        problems = purpose.problems(texts)
        if problems:
            raise BongsuError(problems)


def tried(act: Callable[[], T]) -> T:
    """Do it again where somebody else was faster: on two replicas, two may be at the same thing."""
    for left in range(_TRIES - 1, -1, -1):
        try:
            return act()
        except (StaleProposal, Taken):
            if not left:
                raise
    raise AssertionError("unreachable")


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def period(begins_at: float, ends_at: float, now: float, field: str = "endsAt") -> None:
    """Raises ``governance.bad-period`` unless the end is behind the begin and now (seconds since the epoch), and
    ``governance.long-period`` for what would hold for longer than anybody answers for it."""
    begins, ends = moment(begins_at).isoformat(), moment(ends_at).isoformat()
    if ends_at <= begins_at or ends_at <= now:
        raise codes.BAD_PERIOD.error(None, field, begins=begins, ends=ends)
    if ends_at - min(begins_at, now) > LONGEST_YEARS * YEAR_S:
        raise codes.LONG_PERIOD.error(None, field, begins=begins, ends=ends, years=LONGEST_YEARS)


def short_id(prefix: str, *parts: object) -> str:
    """An id that the same request gives again, so that sending it twice is sending it once."""
    text = "\x1f".join(map(str, parts))
    return f"{prefix}-{digest_of(text.encode()).removeprefix('sha256-')[:16]}"


def cited(connection: Connection, ask: Ask, field: str, text: str) -> Citation:
    """What somebody refers to, so that others can follow it: what is of the ministry has to be there and within the
    clearance of who refers to it; what is elsewhere has to be an address or the number of a document.

    Raises:
        BongsuError: ``governance.bad-citation``, ``governance.citation-gone``.
    """
    found = Citation.parse(text)
    if found is None:
        raise codes.BAD_CITATION.error(None, field, field=field, text=text)
    if found.kind.is_ours:
        there = find_object(connection, ask.tenant, found.reference)
        if there is None or not cleared_for(ask.actor.clearance, there.thing.label):
            args = {"field": field, "reference": found.reference, "ministry": ask.tenant}
            raise codes.CITATION_GONE.error(None, field, **args)
    return found
