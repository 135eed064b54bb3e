"""Grants as a person reads them: what is left, the ledger, how long it will last, who used what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bongsu.cli.render.runs import moment
from bongsu.cli.texts import _
from bongsu.domain.grants import Dimension, EntryKind, GrantState, hours_text
from bongsu.domain.messages import N_
from bongsu.service.grants.looking import (
    Forecast,
    GrantDetails,
    GrantSummary,
    LedgerEntry,
    Notice,
    Recounted,
    WeakUse,
)
from bongsu.service.grants.reserving import GrantStanding
from bongsu.service.grants.showback import Showback

STATE_WORDS = {
    GrantState.NOT_BEGUN: N_("not begun"),
    GrantState.OPEN: N_("open"),
    GrantState.ENDED: N_("over"),
    GrantState.CLOSED: N_("closed"),
}
KIND_WORDS = {
    EntryKind.GIVEN: N_("given"),
    EntryKind.ADJUSTED: N_("adjusted"),
    EntryKind.RECLAIMED: N_("taken back"),
    EntryKind.RESERVED: N_("set aside"),
    EntryKind.RETURNED: N_("came back"),
    EntryKind.METERED: N_("used"),
}
DIMENSION_WORDS = {
    Dimension.MINISTRY: N_("Ministry"),
    Dimension.PROGRAMME: N_("Programme"),
    Dimension.GRANT: N_("Grant"),
    Dimension.MODEL: N_("Model"),
}
WEAK_WORDS = {
    "behind": N_("{hours} GPU-hours ({share}) less are used than an even use of the window would have used."),
    "fruitless": N_("{hours} GPU-hours ({share} of what was used) went into attempts that did not succeed."),
    "silent": N_("{hours} GPU-hours are held by attempts that say nothing any more: {attempts}."),
}


def grants_view(found: Sequence[GrantSummary]) -> Table:
    """Two lines for each grant: its name and figures, and below it from whom to whom and until when."""
    table = _table()
    table.add_column(_("Grant"), overflow="fold", ratio=1)
    for name in (_("Given"), _("Used"), _("Set aside"), _("Left")):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found:
        head = Text.assemble((one.grant.id, "bold"), f"  {_(STATE_WORDS[one.state])}")
        grant = one.grant
        head.append(f"\n{grant.giver} → {grant.receiver} · {grant.accelerator} · {moment(grant.ends)}", style="dim")
        table.add_row(head, *map(hours_text, (one.given, one.used, one.reserved, one.available)))
    return table


def details_view(details: GrantDetails) -> RenderableType:
    """One grant."""
    return Group(*_details(details))


def standing_view(paid: GrantStanding) -> RenderableType:
    """A plan's grant before and after it, in GPU-hours."""
    has = paid.balance
    words = _(
        "Grant {grant}: {given} GPU-hours given, {used} used, {reserved} set aside; this plan {plan}, left"
        " afterwards {left}."
    )
    return Text(
        words.format(
            grant=paid.grant.id,
            given=hours_text(has.given),
            used=hours_text(has.used),
            reserved=hours_text(has.reserved),
            plan=hours_text(paid.need.gpu_ms),
            left=hours_text(paid.left_afterwards),
        )
    )


def showback_view(found: Showback) -> RenderableType:
    """Rows and their total."""
    table = _table()
    for dimension in found.by:
        table.add_column(_(DIMENSION_WORDS[dimension]), overflow="fold")
    for name in (_("GPU-hours"), _("held now")):
        table.add_column(name, justify="right", no_wrap=True)
    for row in found.rows:
        table.add_row(*(value or "–" for value in row.key), hours_text(row.used), hours_text(row.held))
    blanks = [""] * max(0, len(found.by) - 1)
    table.add_section()
    table.add_row(_("Total"), *blanks, hours_text(found.used), hours_text(found.held))
    period = _("From {begins} until {ends}").format(begins=moment(found.begins_at), ends=moment(found.ends_at))
    return Group(Text(period), table)


def recount_view(found: Recounted) -> Group:
    """The two figures beside each other, and whether the ledger is right."""
    table = _table()
    table.add_column(_("GPU-hours of attempts that are over"))
    table.add_column(_("GPU-hours"), justify="right", no_wrap=True)
    table.add_row(_("Booked in the ledger"), hours_text(found.booked))
    table.add_row(_("Counted from the logs of runs"), hours_text(found.counted))
    return Group(table, Text(recount_words(found)))


def recount_words(found: Recounted) -> str:
    """Whether the ledger is right."""
    booked, counted = hours_text(found.booked), hours_text(found.counted)
    if not found.differing and found.booked == found.counted:
        return _("Counted again from the logs of runs: {counted} GPU-hours, as booked.").format(counted=counted)
    words = _("The ledger has {booked} GPU-hours, and the logs of runs have {counted}. They differ in {attempts}.")
    return words.format(booked=booked, counted=counted, attempts=", ".join(one or "–" for one in found.differing))


def proposal_words(details: GrantDetails) -> str:
    """What could be taken back."""
    if details.notice:
        return notice_words(details.summary.grant.id, details.notice)
    if not details.reclaimable:
        return _("Nothing is proposed: what is left of {grant} may still be used.").format(
            grant=details.summary.grant.id
        )
    words = _("Proposed: {hours} GPU-hours of {grant} will not be used even at the highest rate that was seen.")
    return words.format(hours=hours_text(details.reclaimable), grant=details.summary.grant.id)


def notice_words(grant: str, notice: Notice) -> str:
    words = _("{hours} GPU-hours of {grant} will be taken back from {due} on: {reason}")
    return words.format(
        hours=hours_text(notice.gpu_ms), grant=grant, due=moment(notice.effective_at), reason=notice.reason
    )


def booked_words(grant: str, entry: LedgerEntry) -> str:
    words = _("{hours} GPU-hours of {grant} were taken back (entry {position}).")
    return words.format(hours=hours_text(entry.gpu_ms), grant=grant, position=entry.position)


def _details(details: GrantDetails) -> Iterator[RenderableType]:
    one = details.summary
    grant = one.grant
    head = Text(grant.id, style="bold")
    head.append(
        f"  {_(STATE_WORDS[one.state])} · {grant.giver} → {grant.receiver} · {grant.programme}", style="dim"
    )
    yield head
    uses = ", ".join(sorted(grant.use_classes)) or _("every use class")
    yield Text(f"{grant.accelerator} · {uses} · {moment(grant.begins)} – {moment(grant.ends)}")
    words = _("{given} GPU-hours given, {used} used ({held} of them held now), {reserved} set aside, {left} left.")
    yield Text(
        words.format(
            given=hours_text(one.given),
            used=hours_text(one.used),
            held=hours_text(details.held),
            reserved=hours_text(one.reserved),
            left=hours_text(one.available),
        )
    )
    yield from (Text(_forecast_words(seen, grant.ends)) for seen in details.forecasts)
    yield from (Text("• " + _weak_words(weak), style="yellow") for weak in details.weak)
    if details.notice or details.reclaimable:
        yield Text("• " + proposal_words(details), style="yellow")
    if details.entries:
        yield _ledger(details.entries)


def _forecast_words(seen: Forecast, ends: float) -> str:
    rate = _("At {rate} GPU-hours a day (the last {days} days; {least} to {most})").format(
        rate=hours_text(round(seen.rate)),
        days=seen.days,
        least=hours_text(round(seen.least)),
        most=hours_text(round(seen.most)),
    )
    if seen.runs_out_at is None or seen.ends_first(ends):
        words = _("the window ends first, with {hours} GPU-hours unused.")
        return f"{rate} " + words.format(hours=hours_text(seen.unused))
    earliest = moment(seen.earliest_at) if seen.earliest_at is not None else "–"
    latest = moment(seen.latest_at) if seen.latest_at is not None else "–"
    words = _("it runs out on {at} (between {earliest} and {latest}).")
    return f"{rate} " + words.format(at=moment(seen.runs_out_at), earliest=earliest, latest=latest)


def _weak_words(weak: WeakUse) -> str:
    names = ", ".join(weak.attempts) or "–"
    share = f"{weak.share:.0%}"
    return _(WEAK_WORDS[weak.weakness.value]).format(hours=hours_text(weak.gpu_ms), share=share, attempts=names)


def _ledger(entries: Sequence[LedgerEntry]) -> Table:
    table = _table()
    table.add_column("#", justify="right")
    table.add_column(_("When"), no_wrap=True)
    table.add_column(_("Entry"), no_wrap=True)
    table.add_column(_("GPU-hours"), justify="right", no_wrap=True)
    table.add_column(_("What for"), overflow="fold", ratio=1)
    for entry in entries:
        told = entry.subject if entry.run_id else entry.reason
        table.add_row(
            str(entry.position),
            moment(entry.at)[5:],
            _(KIND_WORDS[entry.kind]),
            hours_text(entry.gpu_ms),
            told or "–",
        )
    return table


def _table() -> Table:
    return Table(box=box.SIMPLE, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
