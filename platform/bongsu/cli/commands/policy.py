"""The rules as they are run: ``policy explain``."""

from __future__ import annotations

from typing import Annotated

import typer

from bongsu.cli.commands.shared import AsJson
from bongsu.cli.printing import out, say_json
from bongsu.cli.texts import _, translate

policy = typer.Typer(
    help=_("The rules that plans, data and models are held to."), no_args_is_help=True, rich_markup_mode=None
)


def add_to(app: typer.Typer) -> None:
    app.add_typer(policy, name="policy")


@policy.command("explain", help=_("Explain a rule, or list them all: what it says, looks at and comes from."))
def explain(
    rule: Annotated[str | None, typer.Argument(help=_("Name of a rule, e.g. data.permitted."))] = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.governance.explaining import explain as explained

    found = explained(rule)
    if as_json:
        say_json(
            [
                {
                    "name": one.name,
                    "says": translate(one.says),
                    "facts": [translate(fact) for fact in one.facts],
                    "run": translate(one.run),
                    "source": one.source,
                }
                for one in found
            ]
        )
        return
    from bongsu.cli.render.governance import rules_view

    out().print(rules_view(found, whole=rule is not None))
