"""``login``, ``logout``, ``context``: which control plane the commands speak to."""

from __future__ import annotations

import os
import sys
from typing import Annotated
from urllib.parse import urlsplit

import typer

from bongsu.cli.commands.shared import AsJson, server_context, service_secret
from bongsu.cli.failures import print_warnings
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.texts import _, language
from bongsu.client.contexts import LOCAL, Context, Contexts, change_contexts, contexts_file, load_contexts
from bongsu.domain.codes import cli as codes
from bongsu.domain.documents import iso_time
from bongsu.domain.problems import BongsuError

context_app = typer.Typer(
    help=_("Control planes that commands can speak to."), no_args_is_help=True, rich_markup_mode=None
)
Ministry = Annotated[str | None, typer.Option(help=_("Ministry in which commands act."))]
Name = Annotated[str, typer.Argument(help=_("Name of a context; `local` is this machine without a server."))]


def add_to(app: typer.Typer) -> None:
    app.command("login", help=_("Sign in at a server; the commands speak to it from then on."))(login)
    app.command("logout", help=_("Forget a server and the sign-in there."))(logout)
    app.command("token", help=_("Print the token of the sign-in, for other programs; keep it to yourself."))(token)
    app.add_typer(context_app, name="context")


def login(
    url: Annotated[str, typer.Argument(help=_("Address of the server."))],
    name: Annotated[str | None, typer.Option(help=_("What to call it; its host if not given."))] = None,
    ministry: Ministry = None,
    issuer: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help=_("Identity provider of your ministry, if the server names another one first.")
        ),
    ] = None,
    service_account: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help=_("Sign in as this service account, with the secret in BONGSU_SECRET, else on standard input."),
        ),
    ] = None,
) -> None:
    from bongsu.client import login as signing_in

    checked = signing_in.checked_url(url)
    if service_account:
        endpoint = signing_in.service_endpoint(checked, issuer)
        found = signing_in.with_secret(endpoint, service_account, service_secret() or _typed_secret())
    else:
        provider = signing_in.provider_of(checked, issuer)
        code = signing_in.begin(provider)
        say(_("Open {page} and confirm the code {code}.").format(page=code.whole_page, code=code.user_code))
        found = signing_in.wait(provider, code)
    path = contexts_file(os.environ)
    chosen = name or urlsplit(checked).netloc
    made = Context(url=checked, ministry=ministry, sign_in=found)
    change_contexts(path, lambda known: known.with_context(chosen, made, is_current=True))
    _tell_as_whom(chosen, made)


def _tell_as_whom(name: str, made: Context) -> None:
    """The provider let them in; who that is to the server, the server says. Somebody whom it does not know learns it
    now."""
    from bongsu.cli.render.people import standing_text
    from bongsu.client.opening import open_server
    from bongsu.client.remote_people import RemotePeople

    try:
        with open_server(contexts_file(os.environ), name, made, language(), service_secret()) as server:
            me = RemotePeople(server, made.ministry).me()
    except BongsuError as error:
        say(_("Signed in at {url}; commands speak to it now (context {name}).").format(url=made.url, name=name))
        print_warnings(out(error=True, markup=True), error.problems)
        return
    words = _("Signed in at {url} as {person} ({roles}); commands speak to it now (context {name}).")
    say(words.format(url=made.url, person=me.id, roles=standing_text(me), name=name))


def _typed_secret() -> str:
    """The first line of standard input; a person who types it is asked, and it is not shown."""
    if sys.stdin.isatty():
        return str(typer.prompt(_("Secret"), hide_input=True, err=True)).strip()
    return sys.stdin.readline().strip()


def logout(name: Annotated[str | None, typer.Argument(help=_("The context in use if not given."))] = None) -> None:
    path = contexts_file(os.environ)
    known = load_contexts(path)
    chosen = name or known.current
    if chosen == LOCAL:
        say(_("Commands speak to this machine: there is nobody to sign out."))
        return
    change_contexts(path, lambda now: now.without(chosen))
    say(_("Forgot {name}; commands speak to this machine now.").format(name=chosen))


def token(context: typer.Context, as_json: AsJson = False) -> None:
    found = server_context(context)
    if found is None:
        raise codes.NO_TOKEN_HERE.error()
    from bongsu.client.opening import access_token

    name, server = found
    path = contexts_file(os.environ)
    held = access_token(path, name, server, service_secret())
    if not as_json:
        say(held)
        return
    known = load_contexts(path).known.get(name, server).sign_in
    ends_at = iso_time(known.expires_at) if known is not None and known.expires_at else None
    say_json({"token": held, "expiresAt": ends_at, "url": server.url})


@context_app.command("list", help=_("List them; the star is at the one in use."))
def list_(as_json: AsJson = False) -> None:
    known = load_contexts(contexts_file(os.environ))
    rows = [{"name": LOCAL, "url": None, "ministry": None, "current": known.current == LOCAL}]
    rows += [
        {"name": name, "url": one.url, "ministry": one.ministry, "current": known.current == name}
        for name, one in sorted(known.known.items())
    ]
    if as_json:
        say_json(rows)
        return
    for row in rows:
        star = "*" if row["current"] else " "
        where = f"{row['url']}  {row['ministry'] or ''}".rstrip() if row["url"] else _("this machine")
        say(f"{star} {row['name']}  {where}")


@context_app.command("use", help=_("Speak to this one from now on."))
def use(name: Name, ministry: Ministry = None) -> None:
    path = contexts_file(os.environ)

    def used(known: Contexts) -> Contexts:
        chosen = known.using(name)
        found = chosen.named(name)
        if ministry is None or found is None:
            return chosen
        return chosen.with_context(name, found.model_copy(update={"ministry": ministry}), is_current=True)

    change_contexts(path, used)
    say(_("Commands speak to {name} now.").format(name=name))
