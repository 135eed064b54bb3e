"""The audit log: ``audit list``, ``show``, ``export`` and ``check``; what is signed is in ``audit_signing``."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli.commands import audit_signing
from bongsu.cli.commands.audit_signing import Ministry
from bongsu.cli.commands.shared import AsJson, audit_plane
from bongsu.cli.failures import print_problems, print_warnings, problem_document
from bongsu.cli.files import new_file, write_file
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.texts import _, said
from bongsu.domain.audit import AuditOutcome, EntryFilter
from bongsu.domain.problems import BongsuError

if TYPE_CHECKING:
    from bongsu.service.audit.verdict import Verdict

audit = typer.Typer(help=_("Who did what: the append-only log."), no_args_is_help=True, rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    audit_signing.add_to(audit)
    app.add_typer(audit, name="audit")


@audit.command("list", help=_("List entries, newest first."))
def list_(
    context: typer.Context,
    actor: Annotated[str, typer.Option(help=_("Only what this actor did."))] = "",
    object_: Annotated[
        str, typer.Option("--object", metavar="BEGINNING", help=_("Only about objects that begin so, e.g. run:."))
    ] = "",
    action: Annotated[str, typer.Option(help=_("Only this action, or with a dot behind it, all of a kind."))] = "",
    since: Annotated[datetime | None, typer.Option(help=_("Only from this time on."))] = None,
    until: Annotated[datetime | None, typer.Option(help=_("Only before this time."))] = None,
    outcome: Annotated[
        AuditOutcome | None, typer.Option(help=_("Only what was done, or what was refused."))
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help=_("At most this many."))] = 20,
    before: Annotated[int | None, typer.Option(min=0, help=_("Only entries below this position."))] = None,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    times = (since.timestamp() if since else None, until.timestamp() if until else None)
    wanted = EntryFilter(actor, object_, action, *times, outcome)
    with audit_plane(context, ministry) as log:
        page = log.entries(wanted, limit, before)
    if as_json:
        say_json(page)
        return
    from bongsu.cli.render.audit import entries_view

    nothing = _("No such entries. Ask for fewer conditions, or for another --ministry.")
    out().print(entries_view(page.entries) if page.entries else nothing)
    if page.next_before is not None:
        say(_("Older ones: --before {position}").format(position=page.next_before))


@audit.command("show", help=_("Show one entry; --proof writes a file that shows offline that it is in the log."))
def show(
    context: typer.Context,
    position: Annotated[int, typer.Argument(min=0, help=_("Position of the entry, from 0."))],
    proof: Annotated[Path | None, typer.Option(metavar="FILE", help=_("Write the proof to this file."))] = None,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    with audit_plane(context, ministry) as log:
        entry = log.entry(position)
        if proof is not None:
            write_file(proof, str(log.proof(position)))
    if as_json:
        say_json(entry)
    else:
        say(json.dumps(entry.content, ensure_ascii=False, indent=2), exact=True)
        say(_("leaf {leaf}").format(leaf=entry.leaf))


@audit.command("export", help=_("Write the log into a file that verifies anywhere, without this home."))
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help=_("The new file."))],
    since: Annotated[int, typer.Option(min=0, help=_("Position of the first entry."))] = 0,
    ministry: Ministry = None,
) -> None:
    with audit_plane(context, ministry) as log, new_file(file) as target:
        exported = log.export(since)
        target.writelines(exported.lines)
    count = exported.size - exported.begin
    say(
        _("{count} entries, to position {last}, are in {file}.").format(
            count=count, last=exported.size - 1, file=file
        )
    )
    # The file is written whatever the log is: it is what a damaged one is compared with. Who takes it is told.
    with audit_plane(context, ministry) as log:
        log.check()


@audit.command("verify", help=_("Verify a bundle or a proof, offline; without a file, the log as it is stored."))
def verify(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(help=_("As `audit export` or `audit show --proof` wrote it."))
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help=_("Public key of the log, or a file of keys; repeatable.")),
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help=_("Public key of a witness that must have signed; repeatable.")),
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help=_("An older checkpoint that you hold."))
    ] = None,
    entry: Annotated[
        Path | None, typer.Option(metavar="FILE", help=_("Entries, one a line, that have to be in the log."))
    ] = None,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    if file is None:
        _verify_stored(context, ministry, as_json)
        return
    from bongsu.service.audit.verdict import Trust
    from bongsu.service.audit.verifying import read_checkpoint, read_entries, read_keys, verify

    trust = Trust(
        keys=read_keys(key or ()),
        witnesses=read_keys(witness or ()),
        checkpoint=read_checkpoint(checkpoint) if checkpoint else None,
        entries=read_entries(entry) if entry else (),
    )
    verdict = verify(file, trust)
    _show(verdict, as_json)
    if not verdict.holds:
        raise typer.Exit(BongsuError(verdict.problems).exit_code)


def _show(verdict: Verdict, as_json: bool) -> None:
    if as_json:
        document = {"origin": verdict.origin, "size": verdict.size, "root": verdict.root, "holds": verdict.holds}
        document |= {"proved": [*map(said, verdict.proved)], "unproved": [*map(said, verdict.unproved)]}
        document |= {"problems": [*map(problem_document, verdict.problems)]}
        say_json(document | {"warnings": [*map(problem_document, verdict.warnings)]})
        return
    from bongsu.cli.render.audit import verdict_view

    out().print(verdict_view(verdict))
    print_warnings(out(error=True, markup=True), verdict.warnings)
    print_problems(out(error=True, markup=True), verdict.problems)


def _verify_stored(context: typer.Context, ministry: str | None, as_json: bool) -> None:
    with audit_plane(context, ministry) as log:
        logs = log.check_stored()
    if as_json:
        several = [{"ministry": name or None, **asdict(checked)} for name, checked in logs.items()]
        say_json({"logs": several} if len(several) > 1 else next(iter(logs.values())))
        return
    words = _("{size} entries and {checkpoints} checkpoints agree; the root is {root}.")
    for name, checked in logs.items():
        line = words.format(size=checked.size, checkpoints=checked.checkpoints, root=checked.root)
        say(line if len(logs) == 1 else f"{name or _('this home')}: {line}")
