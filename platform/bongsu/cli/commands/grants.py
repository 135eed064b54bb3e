"""GPU grants: ``grants list``, ``show``, ``recount`` and what books on their ledgers; and ``showback``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bongsu.cli import completion
from bongsu.cli.commands.shared import AsJson, grants_plane
from bongsu.cli.commands.use_classes import listed, taken
from bongsu.cli.files import write_file
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.texts import _
from bongsu.domain.codes import cli as codes
from bongsu.domain.documents import plain
from bongsu.domain.grants import Dimension, hours_text
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase

grants = typer.Typer(help=_("GPU grants and their ledgers."), no_args_is_help=True, rich_markup_mode=None)
GrantName = Annotated[
    str,
    typer.Argument(
        metavar="GRANT", help=_("Name of the grant."), autocompletion=completion.grants, show_default=False
    ),
]
Reason = Annotated[str, typer.Option(help=_("Why, in a sentence; the ledger keeps it."), show_default=False)]
_DATE = _("A day such as 2026-07-01, or a time; it is UTC unless it says otherwise.")


def add_to(app: typer.Typer) -> None:
    app.add_typer(grants, name="grants")
    app.command("showback", help=_("Show who used how many GPU-hours."))(showback)


@grants.command("list", help=_("List grants and what is left of them."))
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    from bongsu.service.grants.documents import summary_document

    with grants_plane(context) as opened:
        found = opened.grants()
    if as_json:
        say_json([summary_document(summary) for summary in found])
        return
    from bongsu.cli.render.grants import grants_view

    out().print(grants_view(found) if found else _("No grants yet. `bongsu grants give` gives one."))


@grants.command("show", help=_("Show a grant: its ledger, how long it will last, and weak use."))
def show(
    context: typer.Context,
    grant: GrantName,
    entries: Annotated[
        int, typer.Option(min=0, max=10_000, help=_("At most this many of the newest entries."))
    ] = 20,
    recounted: Annotated[
        bool, typer.Option("--recount", help=_("Count its use again from the logs of runs, as `recount` does."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.grants.documents import details_document, recount_document

    with grants_plane(context) as opened:
        details = opened.grant(grant, entries)
        counted = opened.recount(grant) if recounted else None
    if as_json:
        document = details_document(details)
        say_json(plain(document) | {"recount": recount_document(counted)} if counted else document)
    else:
        from bongsu.cli.render.grants import details_view, recount_words

        out().print(details_view(details))
        if counted:
            say(recount_words(counted))
    if counted and counted.differing:
        raise typer.Exit(8)


@grants.command("recount", help=_("Count the use of a grant again from the logs of runs, and compare."))
def recount(context: typer.Context, grant: GrantName, as_json: AsJson = False) -> None:
    from bongsu.service.grants.documents import recount_document

    with grants_plane(context) as opened:
        counted = opened.recount(grant)
    if as_json:
        say_json(recount_document(counted))
    else:
        from bongsu.cli.render.grants import recount_view

        out().print(recount_view(counted))
    if counted.differing:
        raise typer.Exit(8)


@grants.command("give", help=_("Give GPU-hours to a ministry."))
def give(
    context: typer.Context,
    grant: GrantName,
    giver: Annotated[str, typer.Option(help=_("Ministry that gives."), show_default=False)],
    receiver: Annotated[str, typer.Option(help=_("Ministry that receives."), show_default=False)],
    programme: Annotated[str, typer.Option(help=_("Under which programme, e.g. nap."), show_default=False)],
    accelerator: Annotated[
        str, typer.Option(help=_("Type of GPU, e.g. H100, or H100-80GB for one product."), show_default=False)
    ],
    gpu_hours: Annotated[float, typer.Option(help=_("How many GPU-hours."), show_default=False)],
    begins: Annotated[str, typer.Option(help=_("From when on it pays.") + " " + _DATE, show_default=False)],
    ends: Annotated[
        str, typer.Option(help=_("Until when it pays; this moment is not in it.") + " " + _DATE, show_default=False)
    ],
    use: Annotated[
        list[str] | None,
        typer.Option(**taken(_("A use class that it pays for; repeatable, all if none is given."))),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.grants.documents import grant_document
    from bongsu.service.grants.giving import Order
    from bongsu.service.grants.periods import time_of

    with grants_plane(context) as opened:
        order = Order(
            id=grant,
            giver=giver,
            receiver=receiver,
            programme=programme,
            accelerator=accelerator,
            gpu_hours=gpu_hours,
            begins=time_of(begins),
            ends=time_of(ends),
            use_classes=frozenset(listed(one, lambda name: opened.refuse_class(giver, name)) for one in use or ()),
        )
        given = opened.give(order)
    if as_json:
        say_json(grant_document(given))
        return
    say(_("{receiver} has the grant {grant} now.").format(receiver=given.receiver, grant=given.id))


@grants.command("adjust", help=_("Add GPU-hours to a grant, or take some off, by an entry of its ledger."))
def adjust(
    context: typer.Context,
    grant: GrantName,
    gpu_hours: Annotated[
        float, typer.Option(help=_("GPU-hours to add; less than 0 takes off."), show_default=False)
    ],
    reason: Reason,
    key: Annotated[
        str, typer.Option(help=_("A key of your own: sent twice, it is booked once."), show_default=False)
    ] = "",
    as_json: AsJson = False,
) -> None:
    from bongsu.service.grants.documents import entry_document

    with grants_plane(context) as opened:
        entry = opened.adjust(grant, gpu_hours, reason, key)
    if as_json:
        say_json(entry_document(entry))
        return
    words = _("Booked {hours} GPU-hours on {grant} as entry {position}.")
    say(words.format(hours=hours_text(entry.gpu_ms), grant=grant, position=entry.position))


@grants.command("close", help=_("Let nothing more be set aside of a grant; runs under way go on."))
def close(context: typer.Context, grant: GrantName, reason: Reason, as_json: AsJson = False) -> None:
    from bongsu.service.grants.documents import grant_document

    with grants_plane(context) as opened:
        closed = opened.close(grant, reason)
    if as_json:
        say_json(grant_document(closed))
        return
    say(_("The grant {grant} is closed.").format(grant=grant))


@grants.command("reclaim", help=_("Take back what is not used: propose, announce with notice, carry out."))
def reclaim(
    context: typer.Context,
    grant: GrantName,
    gpu_hours: Annotated[
        float | None, typer.Option(help=_("Announce that so many GPU-hours will be taken back."))
    ] = None,
    reason: Annotated[str, typer.Option(help=_("Why, in a sentence; the ledger keeps it."))] = "",
    notice_days: Annotated[float | None, typer.Option(min=0, help=_("Days until it may be carried out."))] = None,
    carry_out: Annotated[bool, typer.Option("--carry-out", help=_("Do what was announced."))] = False,
    withdraw: Annotated[bool, typer.Option("--withdraw", help=_("Take the announcement back."))] = False,
    as_json: AsJson = False,
) -> None:
    from bongsu.cli.render.grants import booked_words, notice_words, proposal_words
    from bongsu.service.grants.documents import amount, entry_document, notice_document

    if sum((carry_out, withdraw, gpu_hours is not None)) > 1:
        detail = N_("--gpu-hours, --carry-out and --withdraw exclude one another")
        raise codes.WRONG_USAGE.error(detail=phrase(detail), command="bongsu grants reclaim")
    document: object
    with grants_plane(context) as opened:
        if carry_out:
            entry = opened.carry_out_reclaim(grant)
            document, words = entry_document(entry), booked_words(grant, entry)
        elif withdraw:
            notice = opened.withdraw_reclaim(grant)
            document = notice_document(notice)
            words = _("Nothing will be taken back of {grant}.").format(grant=grant)
        elif gpu_hours is not None:
            notice = opened.announce_reclaim(grant, gpu_hours, reason, notice_days)
            document, words = notice_document(notice), notice_words(grant, notice)
        else:
            details = opened.grant(grant)
            document, words = {"reclaimable": amount(details.reclaimable)}, proposal_words(details)
    if as_json:
        say_json(document)
        return
    say(words)


def showback(
    context: typer.Context,
    from_: Annotated[str | None, typer.Option("--from", help=_("Begin of the period.") + " " + _DATE)] = None,
    to: Annotated[
        str | None, typer.Option("--to", help=_("End of the period; this moment is not in it.") + " " + _DATE)
    ] = None,
    by: Annotated[
        list[Dimension] | None, typer.Option(help=_("What rows are told apart by; repeatable, all if not given."))
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help=_("Write it as CSV for a spreadsheet."))] = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.grants.documents import showback_document
    from bongsu.service.grants.periods import time_of
    from bongsu.service.grants.showback import as_csv

    begins, ends = time_of(from_) if from_ else None, time_of(to) if to else None
    with grants_plane(context) as opened:
        found = opened.showback(begins, ends, by or tuple(Dimension))
    if csv:
        write_file(csv, as_csv(found))
    if as_json:
        say_json(showback_document(found))
        return
    if csv:
        say(_("Wrote {path}.").format(path=csv))
        return
    from bongsu.cli.render.grants import showback_view

    out().print(showback_view(found))
