"""Commands over pipeline files: ``init``, ``validate``, ``plan``, ``run``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bongsu.cli.commands.shared import AsJson, SetValues, overrides, pipeline_of, plane, server_asked
from bongsu.cli.failures import print_problems, print_warnings, problem_document
from bongsu.cli.files import write_file
from bongsu.cli.memory import without_collecting
from bongsu.cli.printing import out, say, say_json, unheard
from bongsu.cli.state import options
from bongsu.cli.texts import _, language, of_count
from bongsu.domain.problems import BongsuError, Problem

if TYPE_CHECKING:
    from bongsu.domain.grades import GradeScheme
    from bongsu.service.plane import PlanShown
    from bongsu.service.validating import Checked

File = Annotated[Path, typer.Argument(help=_("A pipeline file."), show_default=False)]


def add_to(app: typer.Typer) -> None:
    app.command("init", help=_("Write a commented pipeline to start from."))(init)
    app.command("validate", help=_("Check pipeline files; tells everything that is wrong at once."))(validate)
    app.command("plan", help=_("Show exactly what a run would do, without doing it."))(plan)
    app.command("run", help=_("Run a pipeline; an unfinished run of the same plan goes on."))(run)
    app.command("submit", help=_("Hand a pipeline to the server of the context; it runs there."))(submit)


def init(
    file: Annotated[Path, typer.Argument(help=_("File to write."))] = Path("pipeline.yaml"),
    name: Annotated[str, typer.Option(help=_("Name of the pipeline."))] = "first-pipeline",
    ministry: Annotated[str, typer.Option(help=_("Tenant that owns the run."))] = "mnd",
    model: Annotated[
        str | None, typer.Option(help=_("Address of the base model; the nano model if it lies near the file."))
    ] = None,
    dataset: Annotated[
        str, typer.Option(help=_("Address of the text to adapt to."))
    ] = "package:konlpy/konlpy/data/corpus",
    as_json: AsJson = False,
) -> None:
    from bongsu.service.starting import UNKNOWN_MODEL, as_written_in, near_model, starter_text

    base = as_written_in(file, model) if model else near_model(file)
    text = starter_text(
        file,
        name=name,
        ministry=ministry,
        model=base or UNKNOWN_MODEL,
        dataset=as_written_in(file, dataset),
        language=language(),
    )
    write_file(file, text, new=True)
    if as_json:
        say_json({"path": str(file), "model": base})
        return
    say(_("Wrote {path}.").format(path=file))
    if base is None:
        say(
            _("There is no base model near it: write its address in place of {address}.").format(
                address=UNKNOWN_MODEL
            )
        )
    say(_("Next: `bongsu validate {path}`, `bongsu plan {path}`, `bongsu run {path}`.").format(path=file))


@without_collecting()
def validate(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help=_("Pipeline files."), show_default=False)],
    set_: SetValues = None,
    as_json: AsJson = False,
) -> None:
    problems: list[Problem] = []
    rows: list[tuple[Path, Checked]] = []
    with _checking(context) as check:
        for file in files:
            try:
                rows.append((file, check(file, overrides(set_))))
            except BongsuError as error:
                problems += error.problems
    if problems:
        raise BongsuError(problems)
    if as_json:
        say_json([_checked_document(file, found) for file, found in rows])
        return
    warnings = [problem for _file, found in rows for problem in found.warnings]
    if warnings:  # a console takes a fifth of a second to import
        print_warnings(out(error=True, markup=True), warnings)
    for file, found in rows:
        stages = of_count(found.stages, _("{count} stage"), _("{count} stages"))
        say(_("{file}: {name} is right ({stages}).").format(file=file, name=found.name, stages=stages))


@contextmanager
def _checking(context: typer.Context) -> Iterator[Callable[[Path, Mapping[str, str]], Checked]]:
    """How files are checked: by the server of the context in force, else by what is installed here; no home is needed,
    and one that is there is asked for its grades where a file has others than O, S and C."""
    with server_asked(context) as found:
        if found is not None:
            from bongsu.client.remote import Remote
            from bongsu.service.plane import Pipeline

            there = Remote(*found)
            yield lambda file, values: there.validate(Pipeline(file, values))
            return
    from bongsu.service.validating import validate_by

    home = options(context).home
    yield lambda file, values: validate_by(lambda: _grades_at(home), file, values).checked


def _grades_at(home: Path) -> GradeScheme:
    from bongsu.service.grades_kept import grades_at

    return grades_at(home, None)


def _checked_document(file: Path, found: Checked) -> dict[str, Any]:
    return {
        "file": str(file),
        "name": found.name,
        "stages": found.stages,
        "warnings": [problem_document(problem) for problem in found.warnings],
    }


@without_collecting()
def plan(
    context: typer.Context,
    file: File,
    set_: SetValues = None,
    all_: Annotated[bool, typer.Option("--all", help=_("Every point of a large matrix."))] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help=_("What the estimated memory is made of."))] = False,
    as_json: AsJson = False,
) -> None:
    with plane(context) as opened:
        prepared, is_alone = opened.plan(pipeline_of(file, set_)), opened.drives_here
    if as_json:
        from bongsu.service.documents import plan_document

        say_json(plan_document(prepared, problem_document))
        _leave_as_run_would(prepared)
        return
    from bongsu.cli.render.plan import plan_view

    shown = plan_view(prepared.plan, prepared.skipped, prepared.grant, every=all_, parts=verbose, is_alone=is_alone)
    out().print(shown)
    console = out(markup=True)
    print_warnings(console, prepared.warnings)
    if prepared.obstacles:
        is_here = _("`bongsu run` would refuse this plan here:")
        say(is_here if is_alone else _("The server would refuse this plan:"))
        print_problems(console, prepared.obstacles)
    _leave_as_run_would(prepared)


def _leave_as_run_would(prepared: PlanShown) -> None:
    """A script that plans first learns by the status whether it may run."""
    if prepared.obstacles:
        raise typer.Exit(BongsuError(prepared.obstacles).exit_code)


def run(context: typer.Context, file: File, set_: SetValues = None, as_json: AsJson = False) -> None:
    from bongsu.cli.commands.driving import show_driving, tell_begin

    with plane(context) as opened:
        begun = None if as_json else unheard(tell_begin)
        warned = _warned(as_json)
        asked = pipeline_of(file, set_)
        show_driving(opened, lambda update: opened.run(asked, warned, begun, update), as_json)


def submit(
    context: typer.Context,
    file: File,
    set_: SetValues = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help=_("Show its progress until it is over."))] = False,
    as_json: AsJson = False,
) -> None:
    from bongsu.cli.commands.driving import show_driving, tell_begin

    with plane(context) as opened:
        asked = pipeline_of(file, set_)
        begun = opened.submit(asked, _warned(as_json))
        if not as_json:
            tell_begin(begun)
        if watch:
            show_driving(opened, lambda update: opened.watch(begun.run_id, update), as_json)
            return
    if as_json:
        say_json({"runId": begun.run_id, "pipeline": begun.pipeline, "created": begun.created})
        return
    say(_("`bongsu show {run}` and `bongsu logs {run} --follow` tell how it goes.").format(run=begun.run_id))


def _warned(as_json: bool) -> Callable[[Sequence[Problem]], None]:
    """Tells warnings on standard error; a machine reads the document alone."""
    return lambda warnings: None if as_json else print_warnings(out(error=True, markup=True), warnings)
