"""Commands that look: ``runs``, ``show``, ``logs``, ``lineage``, ``report``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli import completion
from bongsu.cli.commands.shared import AsJson, Ministry, RunName, plane, problem_documents
from bongsu.cli.files import write_file
from bongsu.cli.printing import log_lines, out, say, say_json
from bongsu.cli.texts import _, language, translate
from bongsu.domain.run import ShownState, StageState
from bongsu.domain.unseen import escaped_json

if TYPE_CHECKING:
    from bongsu.service.following import LogLine
    from bongsu.service.lineage import Direction


def add_to(app: typer.Typer) -> None:
    app.command("runs", help=_("List runs, newest first."))(runs)
    app.command("show", help=_("Show a run: its stages, attempts and what came of it."))(show)
    app.command("logs", help=_("Print what a stage wrote; --follow waits for more."))(logs)
    tracing = _("Trace a model version or artifact: what it was made from, and what was made from it.")
    app.command("lineage", help=tracing)(lineage)
    app.command("report", help=_("Write one self-contained HTML page about a run."))(report)


def runs(
    context: typer.Context,
    state: Annotated[list[ShownState] | None, typer.Option(help=_("Only runs in this state; repeatable."))] = None,
    pipeline: Annotated[
        str | None, typer.Option(help=_("Only runs of this pipeline."), autocompletion=completion.pipelines)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help=_("At most this many."))] = 20,
    as_json: AsJson = False,
) -> None:
    with plane(context) as opened:
        found = opened.runs(state or (), pipeline, limit)
    if as_json:
        say_json(found)
        return
    from bongsu.cli.render.runs import runs_view

    out().print(runs_view(found) if found else _("No runs yet. `bongsu init` writes a pipeline to start from."))


def show(context: typer.Context, run: RunName = "latest", as_json: AsJson = False) -> None:
    with plane(context) as opened:
        details = opened.show(run)
        found = opened.variants(details.run.id)
        watched = opened.progress(details.run.id)
    if as_json:
        from bongsu.service.documents import run_document

        say_json(run_document(details, found, watched, problem_documents(details)))
        return
    from bongsu.cli.render.outcome import variants_view
    from bongsu.cli.render.runs import details_view

    out().print(details_view(details, watched))
    table = variants_view(found)
    if table is not None:
        out().print(table, crop=False)


def logs(
    context: typer.Context,
    run: RunName = "latest",
    stage: Annotated[
        str | None,
        typer.Argument(help=_("A stage's id; all stages if not given."), autocompletion=completion.stages),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help=_("Wait for more until the stages are over."))
    ] = False,
    attempt: Annotated[
        int | None, typer.Option(min=1, help=_("Number of the attempt; the newest if not given."))
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help=_("Print one JSON object a line of the log."))] = False,
) -> None:
    with plane(context) as opened:
        details = opened.show(run)
        if run == "latest":
            say(_("Logs of run {run}:").format(run=details.run.id), error=True)
        asked = [details.stage(stage)] if stage else details.stages
        names = [found.planned.id for found in asked]
        lines = opened.lines(details.run.id, names, attempt, follow)
        printed = _json_log(lines, stage) if as_json else _print_log(lines, with_names=not stage)
        if not printed and not as_json:
            details = opened.show(details.run.id)
            say(why_silent([details.stage(name).record.state for name in names]), error=True)


def _json_log(lines: Iterable[LogLine], stage: str | None) -> int:
    """How many lines there were. A reader of the other end gets each when it is there, under the name that was asked
    for."""
    count = 0
    for one in lines:
        count += 1
        found = {"stage": stage or one.stage_id, "line": one.line}
        typer.echo(escaped_json(json.dumps(found, ensure_ascii=False)))
    return count


def _print_log(lines: Iterable[LogLine], *, with_names: bool) -> int:
    """How many lines there were."""
    colours, count = out().color_system is not None, 0
    for one in lines:
        count += 1
        before = f"{one.stage_id} | " if with_names else ""
        for part in log_lines(one.line, colours=colours):
            typer.echo(before + part)
    return count


def why_silent(states: Sequence[StageState]) -> str:
    """What to say of stages whose logs are empty."""
    if all(state is StageState.CACHED for state in states):
        return _("Nothing was written: the outputs are those of an earlier run.")
    if all(state in (StageState.WAITING, StageState.READY, StageState.SKIPPED) for state in states):
        return _("Nothing was written: no attempt has begun.")
    return _("Nothing was written. `bongsu show` tells how it went.")


def lineage(
    context: typer.Context,
    reference: Annotated[
        str,
        typer.Argument(
            help=_("model:NAME/3, NAME@alias, dataset:NAME/3, or the beginning of a digest."),
            autocompletion=completion.versions,
        ),
    ],
    upstream: Annotated[bool, typer.Option("--upstream", help=_("Only what it was made from."))] = False,
    downstream: Annotated[bool, typer.Option("--downstream", help=_("Only what was made from it."))] = False,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    directions: list[Direction] = ["downstream"] if downstream else ["upstream"]
    if upstream == downstream:
        directions = ["upstream", "downstream"]
    with plane(context, ministry) as opened:
        graphs = [opened.lineage(reference, direction) for direction in directions]
    if as_json:
        from bongsu.service.lineage import joined

        say_json(graphs[0] if len(graphs) == 1 else joined(*graphs))
        return
    from bongsu.cli.render.lineage import both_view, lineage_view

    out().print(lineage_view(graphs[0]) if len(graphs) == 1 else both_view(*graphs))


def report(
    context: typer.Context,
    run: RunName = "latest",
    output: Annotated[Path | None, typer.Option("--output", "-o", help=_("File to write."))] = None,
    as_json: AsJson = False,
) -> None:
    with plane(context) as opened:
        run_id, page = opened.report(run, language(), translate)
    path = output or Path(f"{run_id}.html")
    write_file(path, page)
    if as_json:
        say_json({"runId": run_id, "path": str(path)})
        return
    say(_("Wrote {path}.").format(path=path))
