"""The audit log of a ministry: its entries, what is signed of it, and all of it as a file that verifies elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import Field

from bongsu.api.answers import Fields, Page, answer, bad_body
from bongsu.api.asking import AskedFirst, Asker, Asking, asks_for
from bongsu.api.bodies import Body, Time
from bongsu.api.listing import Listing
from bongsu.api.openapi import as_well, only_as
from bongsu.api.whole_reads import LogReads, in_turn
from bongsu.domain.audit import AuditOutcome, EntryFilter
from bongsu.domain.checkpoints import SignedCheckpoint
from bongsu.domain.signed_notes import VerifierKey
from bongsu.policy.access import Permission
from bongsu.service.audit.access import may
from bongsu.service.audit.checking import Checked, check_log, damage_in
from bongsu.service.audit.checkpoints import Growth, prove_growth, public_keys, request_witness
from bongsu.service.audit.cosignatures import LONGEST_KEY, accept_cosignature
from bongsu.service.audit.exporting import Export, export
from bongsu.service.audit.reading import Entry, list_entries, prove_entry, show_entry
from bongsu.service.audit.reads import note_read
from bongsu.service.platform import Platform
from bongsu.store.audit_reading import ENTRIES

router = APIRouter(prefix="/v1/ministries/{ministry}/audit", tags=["audit"], route_class=AskedFirst)
P = Permission
_MOST = 1 << 53
_LINES = "application/x-ndjson"
LOG_CHECK = "Bongsu-Log-Check"
_UNSTORED = {"Cache-Control": "private, no-store"}

# No text of ours holds what a terminal obeys, and PostgreSQL takes no NUL.
Word = Annotated[str, Query(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
Position = Annotated[int, Path(ge=0, le=_MOST, description="Of the entry, from 0.")]
Size = Annotated[int, Query(ge=0, le=_MOST)]


class Cosignature(Body):
    """What a witness gave back."""

    checkpoint: str = Field(max_length=100_000, description="The signed note, with the witness's line.")
    witness: str = Field(max_length=LONGEST_KEY, description="The public key of the witness.")


@dataclass(frozen=True)
class Cosigned:
    """Which witness signed a log of which size, and whether that was not known."""

    witness: str
    size: int
    is_new: bool


@dataclass(frozen=True)
class LogKeysDocument:
    """Public keys, the oldest first."""

    keys: list[str]


def _of(asker: Asker, ministry: str) -> Platform:
    """To read: a log of a ministry in which the asker is something, or whose log they read since it was closed. Whether
    they may is the use case's to say, which records a refusal."""
    return asker.of_log(ministry)


def _note(platform: Platform, shown: Iterable[Entry]) -> None:
    """That somebody reads entries, which say what others did with what is labelled."""
    labels = [one.content["label"] for one in shown if one.content is not None]
    note_read(platform, f"audit:{platform.scope.tenant}", labels)


@router.get("/entries", **asks_for(P.AUDIT_READ, gives=Page[Entry]))
def entries(
    asker: Asking,
    ministry: str,
    listing: Listing,
    actor: Annotated[Word, Query(description="Only what this actor did.")] = "",
    object: Annotated[Word, Query(description="Only about objects that begin so, e.g. `run:`.")] = "",
    action: Annotated[Word, Query(description="Only this action, or with a dot behind it, all of a kind.")] = "",
    since: Annotated[Time | None, Query(description="Only from this time on, with its zone.")] = None,
    until: Annotated[Time | None, Query(description="Only before this time, with its zone.")] = None,
    outcome: AuditOutcome | None = None,
    before: Annotated[int | None, Query(ge=0, le=_MOST, description="Only entries below this position.")] = None,
) -> Response:
    """Entries, newest first. One above the asker's clearance is there with its position and hash, unless certain
    entries are asked for."""
    times = (since.timestamp() if since else None, until.timestamp() if until else None)
    part = listing.of(ENTRIES)
    wanted = EntryFilter(actor, object, action, *times, outcome, part.filters)
    behind = part.behind[0] if part.behind else before
    platform = _of(asker, ministry)
    found = list_entries(platform, platform.actor, platform.scope.tenant, wanted, part.limit, behind).entries
    _note(platform, listing.shown(found))
    return listing.answer(found, ENTRIES.key)


@router.get("/entries/{position}", **asks_for(P.AUDIT_READ, gives=Entry))
def entry(request: Request, asker: Asking, ministry: str, position: Position, fields: Fields = "") -> Response:
    """One entry: its content, the text that is hashed, and its hash."""
    platform = _of(asker, ministry)
    found = show_entry(platform, platform.actor, platform.scope.tenant, position)
    _note(platform, [found])
    return answer(request, found, fields)


@router.get("/entries/{position}/proof", response_class=PlainTextResponse, **asks_for(P.AUDIT_READ))
def proof(asker: Asking, ministry: str, position: Position) -> Response:
    """A file that shows offline that the entry is in the log (c2sp.org/tlog-proof)."""
    platform = _of(asker, ministry)
    found = prove_entry(platform, asker.plane.log_keys(), platform.actor, platform.scope.tenant, position)
    return PlainTextResponse(str(found), headers=_UNSTORED)


@router.get("/checkpoint", response_class=PlainTextResponse, **asks_for(P.AUDIT_READ))
def checkpoint(asker: Asking, ministry: str) -> Response:
    """What the log is now, signed, with what witnesses signed of it (c2sp.org/tlog-checkpoint)."""
    platform = _of(asker, ministry)
    found = request_witness(platform, asker.plane.log_keys(), platform.actor, platform.scope.tenant)
    return PlainTextResponse(str(found.signed.note), headers=_UNSTORED)


@router.get("/consistency", **asks_for(P.AUDIT_READ, gives=Growth))
def consistency(
    request: Request,
    asker: Asking,
    ministry: str,
    old: Annotated[Size, Query(description="Size of the log that somebody saw.")],
    new: Annotated[Size | None, Query(description="A later size; that of now if not given.")] = None,
    fields: Fields = "",
) -> Response:
    """The proof that the log of the later size begins with that of the earlier one."""
    platform = _of(asker, ministry)
    return answer(request, prove_growth(platform, platform.actor, platform.scope.tenant, old, new), fields)


@router.get("/witness-request", response_class=PlainTextResponse, **asks_for(P.AUDIT_READ))
def witness_request(
    asker: Asking,
    ministry: str,
    since: Annotated[Size, Query(description="The size that the witness saw last; 0 for a new one.")] = 0,
) -> Response:
    """What a witness signs: a checkpoint, and the proof that the log only grew (c2sp.org/tlog-witness)."""
    platform = _of(asker, ministry)
    found = request_witness(platform, asker.plane.log_keys(), platform.actor, platform.scope.tenant, since)
    return PlainTextResponse(str(found), headers=_UNSTORED)


@router.post(
    "/cosignatures", **as_well("application/json", status=201), **asks_for(P.AUDIT_WITNESS, gives=Cosigned)
)
def accept(request: Request, asker: Asking, ministry: str, cosignature: Cosignature) -> Response:
    """Keep what a witness signed, so that exports hold it; the same once more changes nothing. Below one checkpoint
    there is room for 16 witnesses, and none of them is the log itself."""
    try:
        cosigned = SignedCheckpoint.parse(cosignature.checkpoint)
    except ValueError as error:
        raise bad_body("body.checkpoint", str(error)) from None
    try:
        witness = VerifierKey.parse(cosignature.witness)
    except ValueError as error:
        raise bad_body("body.witness", str(error)) from None
    platform = asker.of_member(ministry)
    is_new = accept_cosignature(platform, platform.actor, platform.scope.tenant, cosigned, witness)
    document = Cosigned(str(witness), cosigned.checkpoint.size, is_new)
    return answer(request, document, status=201 if is_new else 200)


@router.get("/keys", **asks_for(P.AUDIT_READ, gives=LogKeysDocument))
def keys(request: Request, asker: Asking, ministry: str, fields: Fields = "") -> Response:
    """Public keys by which others verify the log, the oldest first."""
    platform = _of(asker, ministry)
    found = public_keys(platform, asker.plane.log_keys(), platform.actor, platform.scope.tenant)
    return answer(request, LogKeysDocument(list(map(str, found))), fields)


@router.get("/export", **only_as(_LINES), **asks_for(P.AUDIT_READ))
async def exported(
    request: Request, asker: Asking, ministry: str, since: Annotated[Size, Query(description="First entry.")] = 0
) -> Response:
    """The log as JSON lines that verify anywhere. That it was exported, and by whom, is its last entry. A damaged one
    is handed out as well, to be compared with: the header `Bongsu-Log-Check` says `whole`, or with which codes `check`
    finds it damaged."""

    def make(now: Asker) -> tuple[Export, str]:
        platform = _of(now, ministry)
        made = export(platform, now.plane.log_keys(), platform.actor, platform.scope.tenant, since)
        # Headers go before the lines, so what is told of them is read first.
        return made, ", ".join(damage_in(platform, platform.actor, platform.scope.tenant)) or "whole"

    def look_again(now: Asker) -> None:
        there = _of(now, ministry)
        may(there, there.actor, there.scope.tenant)

    with ExitStack() as held:
        held.enter_context(asker.reading())
        made, found = await in_turn(request, asker, make, LogReads)
        lines = map(str.encode, made.lines)
        return asker.hand_out(lines, _LINES, _UNSTORED | {LOG_CHECK: found}, look_again, held=held.pop_all())


@router.get("/check", **asks_for(P.AUDIT_READ, gives=Checked))
async def check(request: Request, asker: Asking, ministry: str, fields: Fields = "") -> Response:
    """Read the stored log as a whole: entries against hashes, hashes against each other, roots against signatures."""

    def look(now: Asker) -> Checked:
        platform = _of(now, ministry)
        return check_log(platform, platform.actor, platform.scope.tenant)

    with asker.reading():
        found = await in_turn(request, asker, look, LogReads)
    return answer(request, found, fields)
