"""What is installed, here or at a server, and what messages mean: ``stages``, ``schema``, ``explain``, ``doctor``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bongsu.cli import completion
from bongsu.cli.commands.shared import AsJson, server_asked, server_context
from bongsu.cli.failures import with_names, with_rule
from bongsu.cli.files import write_file
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.state import options
from bongsu.cli.texts import _, language, said, translate
from bongsu.domain.messages import N_

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from bongsu.domain.problems import Code
    from bongsu.service.doctor import Finding
    from bongsu.service.stages_described import PortDescribed, StageDescribed

stages = typer.Typer(help=_("Stages that pipelines can use."), no_args_is_help=True, rich_markup_mode=None)


def add_to(app: typer.Typer) -> None:
    app.add_typer(stages, name="stages")
    app.command("schema", help=_("Write the JSON Schema of pipeline files, for editors."))(schema)
    app.command("explain", help=_("Explain an error code, or list them all."))(explain)
    app.command("doctor", help=_("Check this installation, and the server in use or this machine."))(doctor)


@stages.command("list", help=_("List the stages that are installed here, or at the server of the context."))
def list_stages(
    context: typer.Context,
    all_: Annotated[bool, typer.Option("--all", help=_("Stages for drills, too."))] = False,
    as_json: AsJson = False,
) -> None:
    from bongsu.client.stages import stages_at
    from bongsu.service import stages_described

    with server_asked(context) as asked:
        known = stages_at(asked[0]) if asked else stages_described.list_stages()
    found = [stage for stage in known if all_ or not stage.for_drills]
    if as_json:
        say_json([{"name": stage.name, "description": stage.description} for stage in found])
        return
    table = _table()
    table.add_column(_("Stage"), no_wrap=True)
    table.add_column(_("What it does"))
    for stage in found:
        table.add_row(stage.name, translate(stage.description))
    out().print(table)


@stages.command("show", help=_("Show a stage's inputs, outputs and parameters."))
def show_stage(
    context: typer.Context,
    name: Annotated[str, typer.Argument(show_default=False, autocompletion=completion.stage_kinds)],
    as_json: AsJson = False,
) -> None:
    from bongsu.client.stages import stage_at
    from bongsu.service import stages_described

    with server_asked(context) as asked:
        stage = stage_at(asked[0], name) if asked else stages_described.show_stage(name)
    if as_json:
        say_json(stage)
        return
    console = out()
    console.print(_headed(stage.name, f"  {translate(stage.description)}"))
    for title, ports in ((_("Inputs"), stage.inputs), (_("Outputs"), stage.outputs)):
        if ports:
            console.print(_ports(title, ports))
    for line in _parameters(stage):
        console.print(line)


def _headed(head: str, rest: str, style: str = "bold") -> Text:
    from rich.text import Text

    return Text.assemble((head, style), rest)


def _table() -> Table:
    from rich import box
    from rich.table import Table

    return Table(box=box.SIMPLE, pad_edge=False)


def _ports(title: str, ports: Mapping[str, PortDescribed]) -> Table:
    table = _table()
    for name in (title, _("Type"), ""):
        table.add_column(name)
    for name, port in ports.items():
        table.add_row(name, _port_type(port), translate(port.description))
    return table


def _port_type(port: PortDescribed) -> str:
    words = [port.type]
    if port.many:
        words.append(_("one or more"))
    if port.optional:
        words.append(_("optional"))
    return ", ".join(words)


def _parameters(stage: StageDescribed) -> Iterator[RenderableType]:
    """A line for each parameter, and below it what it means; 80 columns hold the longest name."""
    from rich.padding import Padding
    from rich.text import Text

    schema_ = stage.parameters
    required = set(schema_.get("required", ()))
    heading, default_word = _("Parameters"), _("Default")
    yield Text(f" {heading}", style="bold")
    for name, field in schema_.get("properties", {}).items():
        default = json.dumps(field.get("default"), ensure_ascii=False)
        note = _("required") if name in required else f"{default_word} {default}"
        kind = _type_words(field, schema_.get("$defs", {}))
        yield Padding(Text.assemble((name, "bold"), f"  {kind}  ", (note, "dim")), (0, 0, 0, 1))
        if field.get("description"):
            yield Padding(Text(translate(field["description"])), (0, 0, 0, 5))


def _type_words(field: dict[str, Any], definitions: dict[str, Any]) -> str:
    """``integer ≥ 1``, ``cosine | linear``; a model of its own is ``object``."""
    if "$ref" in field:
        return _type_words(definitions.get(field["$ref"].rpartition("/")[2], {}), definitions)
    if "enum" in field:
        return " | ".join(str(choice) or '""' for choice in field["enum"])
    if "const" in field:
        return str(field["const"])
    if "anyOf" in field:
        return " | ".join(dict.fromkeys(_type_words(option, definitions) for option in field["anyOf"]))
    if field.get("type") == "array":
        return f"[{_type_words(field.get('items', {}), definitions)}]"
    bounds = [f"{sign} {field[key]}" for key, sign in _BOUNDS.items() if key in field]
    kind = str(field.get("type", "object"))
    words = _(_KINDS.get(kind, kind))
    return f"{words} {', '.join(bounds)}" if bounds else words


_KINDS = {
    "integer": N_("integer"),
    "number": N_("number"),
    "string": N_("string"),
    "boolean": N_("boolean"),
    "object": N_("object"),
    "null": N_("null"),
}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}


def schema(
    output: Annotated[Path | None, typer.Option("--output", "-o", help=_("File to write; else print."))] = None,
) -> None:
    from bongsu.service.starting import schema_of_installed_stages

    text = json.dumps(schema_of_installed_stages(), ensure_ascii=False, indent=2) + "\n"
    if output is None:
        say(text, end="", exact=True)
        return
    write_file(output, text)
    say(_("Wrote {path}.").format(path=output))


def explain(
    code: Annotated[
        str | None,
        typer.Argument(help=_("A code such as spec.unknown-key."), autocompletion=completion.error_codes),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.domain.codes import all_codes
    from bongsu.domain.codes import cli as codes
    from bongsu.domain.suggest import closest

    known = {entry.name: entry for entry in all_codes()}
    if code is not None and code not in known:
        raise codes.UNKNOWN_CODE.error(code=code, suggestion=closest(code, known))
    if as_json:
        documents = [_explained(entry) for entry in known.values() if code in (None, entry.name)]
        say_json(documents if code is None else documents[0])
        return
    if code is None:
        for entry in known.values():
            say(f"{entry.name:36} {with_names(with_rule(entry, translate(entry.what)))}")
        return
    entry = known[code]
    what = with_names(with_rule(entry, translate(entry.what)))
    out().print(_headed(entry.name, f"\n  {what}\n  → {with_names(translate(entry.fix))}"))


def _explained(entry: Code) -> dict[str, Any]:
    return {
        "code": entry.name,
        "rule": entry.rule or None,
        "message": with_rule(entry, translate(entry.what)),
        "fix": translate(entry.fix),
        "exitStatus": entry.exit_code,
    }


def _of_context(context: typer.Context) -> list[Finding]:
    """What commands depend on that speak to a server; nothing where they speak to this machine."""
    found = server_context(context)
    if found is None:
        return []
    from bongsu.client.contexts import contexts_file
    from bongsu.client.examining import examine_context

    return examine_context(contexts_file(os.environ), *found, language())


def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    from bongsu.service.doctor import examine, examine_client

    findings = _of_context(context)
    if findings:
        findings += examine_client()
    else:
        findings = examine(options(context).home, os.environ, os.environ.get("BONGSU_DATABASE") or None)
    if as_json:
        say_json(findings)
    else:
        marks = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "problem": ("✗", "red")}
        console = out()
        for finding in findings:
            mark, style = marks[finding.level]
            console.print(
                _headed(mark, f" {translate(finding.subject)}: {said(finding.fact)}", style), soft_wrap=True
            )
            if finding.fix:
                console.print(f"    → {translate(finding.fix)}", soft_wrap=True)
    if any(finding.level == "problem" for finding in findings):
        raise typer.Exit(7)
