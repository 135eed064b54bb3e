"""The rules as they are run: ``policy explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli.commands.shared import AsJson, server_asked
from bongsu.cli.printing import out, say_json
from bongsu.cli.texts import _, translate

if TYPE_CHECKING:
    from bongsu.service.governance.explaining import ExplainedRule

policy = typer.Typer(
    help=_("The rules that plans, data and models are held to."), no_args_is_help=True, rich_markup_mode=None
)


def add_to(app: typer.Typer) -> None:
    app.add_typer(policy, name="policy")


@policy.command("explain", help=_("Explain a rule, or list them all: what it says, looks at and comes from."))
def explain(
    context: typer.Context,
    rule: Annotated[str | None, typer.Argument(help=_("Name of a rule, e.g. data.permitted."))] = None,
    as_json: AsJson = False,
) -> None:
    found = _rules(context, rule)
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


def _rules(context: typer.Context, name: str | None) -> list[ExplainedRule]:
    """Those that a server runs, where commands speak to one; else those of this installation."""
    with server_asked(context) as found:
        if found is not None:
            from bongsu.client.remote_governance import rules_of

            return rules_of(found[0], name)
    from bongsu.service.governance.explaining import explain as explained

    return explained(name)
