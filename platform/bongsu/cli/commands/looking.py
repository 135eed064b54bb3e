"""``search`` and ``capacity``; and labels: ``labels show`` and ``labels raise``."""

from __future__ import annotations

from typing import Annotated

import typer

from bongsu.cli import completion
from bongsu.cli.commands.naming_grades import METAVAR, suggested, written_grade
from bongsu.cli.commands.shared import AsJson, Ministry, plane
from bongsu.cli.printing import out, say_json
from bongsu.cli.texts import _
from bongsu.domain.searching import SearchKind

labels = typer.Typer(
    help=_("Security labels: which one a thing carries, and why."), no_args_is_help=True, rich_markup_mode=None
)
Reference = Annotated[
    str,
    typer.Argument(
        help=_("model:NAME/3, NAME@alias, dataset:NAME/3, or the beginning of a digest."),
        autocompletion=completion.versions,
        show_default=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    app.command("search", help=_("Find runs, models, data sets and artifacts by a part of their name."))(search)
    app.command("capacity", help=_("Show how much can be run at once, and what runs and waits."))(capacity)
    app.add_typer(labels, name="labels")


def search(
    context: typer.Context,
    text: Annotated[
        str,
        typer.Argument(
            help=_("A part of a name or title, or the beginning of an id or a digest."), show_default=False
        ),
    ],
    kind: Annotated[list[SearchKind] | None, typer.Option(help=_("Only these; repeatable."))] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help=_("At most this many."))] = 20,
    as_json: AsJson = False,
) -> None:
    with plane(context) as opened:
        found = opened.search(text, kind or (), limit)
    if as_json:
        say_json(found)
        return
    from bongsu.cli.render.looking import found_view

    nothing = _(
        "Nothing of that name. Try a shorter part of it; lists have all that you may see, e.g. `bongsu models list`."
    )
    out().print(found_view(found) if found else nothing)


def capacity(context: typer.Context, as_json: AsJson = False) -> None:
    with plane(context) as opened:
        shown = opened.capacity()
    if as_json:
        say_json(shown)
        return
    from bongsu.cli.render.looking import capacity_view

    out().print(capacity_view(shown))


@labels.command("show", help=_("Show the label of a thing, and what brought it in."))
def show(context: typer.Context, reference: Reference, ministry: Ministry = None, as_json: AsJson = False) -> None:
    with plane(context, ministry) as opened:
        shown = opened.label(reference)
    if as_json:
        say_json(shown)
        return
    from bongsu.cli.render.looking import label_view

    out().print(label_view(shown))


@labels.command("raise", help=_("State that a thing, and all that came of it, is worth more protection."))
def raise_(
    context: typer.Context,
    reference: Reference,
    grade: Annotated[
        str,
        typer.Option(
            metavar=METAVAR,
            autocompletion=suggested,
            help=_("The least grade that it is to carry."),
            show_default=False,
        ),
    ],
    reason: Annotated[str, typer.Option(help=_("Why; it is recorded for good."), show_default=False)],
    compartment: Annotated[
        list[str] | None, typer.Option(help=_("A compartment it is held in; repeatable."))
    ] = None,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.labels import stated_label

    with plane(context, ministry) as opened:
        label = stated_label(written_grade(grade, opened.grades), compartment or ())
        shown = opened.raise_label(reference, label, reason)
    if as_json:
        say_json(shown)
        return
    from bongsu.cli.render.looking import label_view

    out().print(label_view(shown))
