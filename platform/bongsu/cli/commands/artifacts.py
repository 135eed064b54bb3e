"""Artifacts: ``artifacts list``."""

from __future__ import annotations

from typing import Annotated

import typer

from bongsu.cli.commands.shared import AsJson, Ministry, plane
from bongsu.cli.printing import out, say_json
from bongsu.cli.texts import _
from bongsu.domain.artifact import ArtifactType

artifacts = typer.Typer(
    help=_("Artifacts: trees of files that runs made or took."), no_args_is_help=True, rich_markup_mode=None
)


def add_to(app: typer.Typer) -> None:
    app.add_typer(artifacts, name="artifacts")


@artifacts.command("list", help=_("List artifacts, newest first."))
def list_(
    context: typer.Context,
    type_: Annotated[list[ArtifactType] | None, typer.Option("--type", help=_("Only these; repeatable."))] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help=_("At most this many."))] = 20,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    with plane(context, ministry) as opened:
        found = opened.artifacts(type_ or (), limit)
    if as_json:
        say_json(found)
        return
    from bongsu.cli.render.artifacts import artifacts_view

    nothing = _("No artifacts yet. Runs make them, and `bongsu datasets add` takes files in.")
    out().print(artifacts_view(found) if found else nothing)
