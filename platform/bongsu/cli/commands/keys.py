"""``keys``: what a server's home signs tokens with, for its operator; never the keys themselves."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bongsu.cli.commands.shared import AsJson, only_here
from bongsu.cli.printing import say, say_json
from bongsu.cli.state import options
from bongsu.cli.texts import _
from bongsu.domain.documents import iso_time

if TYPE_CHECKING:
    from bongsu.service.signing_keys import KeySummary

keys = typer.Typer(
    help=_("Keys that tokens are signed with, in the home of a server."),
    no_args_is_help=True,
    rich_markup_mode=None,
)
Use = Annotated[
    Literal["attempts", "issuer"],
    typer.Argument(help=_("Tokens of workers (attempts), or of the built-in identity provider (issuer).")),
]


def add_to(app: typer.Typer) -> None:
    app.add_typer(keys, name="keys")


@keys.command("list", help=_("List them; the last one signs, those before it are still believed."))
def list_(context: typer.Context, use: Use, as_json: AsJson = False) -> None:
    from bongsu.service.signing_keys import KeyUse, keys_of

    only_here(context, "keys list")
    _tell(keys_of(_home(context), KeyUse(use), time.time), as_json)


@keys.command("rotate", help=_("Sign with a new key from now on; tokens of the one before hold until they end."))
def rotate(context: typer.Context, use: Use, as_json: AsJson = False) -> None:
    from bongsu.service.signing_keys import KeyUse, rotate_keys, signing_keys

    only_here(context, "keys rotate")
    signs = KeyUse(use)
    _tell(rotate_keys(signing_keys(_home(context), signs, time.time), signs), as_json)


@keys.command("withdraw", help=_("End every token of a key that no longer signs, at once."))
def withdraw(
    context: typer.Context,
    use: Use,
    key: Annotated[
        str, typer.Argument(metavar="KEY", help=_("Id of the key, as they are listed."), show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    from bongsu.service.signing_keys import KeyUse, signing_keys, withdraw_key

    only_here(context, "keys withdraw")
    signs = KeyUse(use)
    _tell(withdraw_key(signing_keys(_home(context), signs, time.time), signs, key), as_json)


def _home(context: typer.Context) -> Path:
    return options(context).home.absolute()


def _tell(found: list[KeySummary], as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    if not found:
        say(_("There are none yet; the server draws the first."))
    for one in found:
        ended = iso_time(one.retired_at) if one.retired_at is not None else None
        state = _("signs no more since {at}").format(at=ended) if ended else _("signs")
        say(f"{one.id}  {iso_time(one.created_at)}  {state}")
