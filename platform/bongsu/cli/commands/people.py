"""People of ministries: ``people list``, ``show``, ``add`` and what changes them; and ``whoami``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bongsu.cli.commands.naming_grades import METAVAR, suggested
from bongsu.cli.commands.naming_people import (
    Clearance,
    Compartments,
    Issuer,
    MinistryName,
    Named,
    NewPersonId,
    PersonId,
    Vetting,
    clearance_of,
    new_person,
)
from bongsu.cli.commands.shared import AsJson, only_here, people_plane, server_asked, server_context
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.state import options
from bongsu.cli.texts import _
from bongsu.domain.documents import plain
from bongsu.domain.people import ActorKind, Role

if TYPE_CHECKING:
    from bongsu.service.planes.people import Person

people = typer.Typer(
    help=_("People of ministries, what they are where, and what they may see."),
    no_args_is_help=True,
    rich_markup_mode=None,
)
Ministry = Annotated[str | None, typer.Option(help=_("In which ministry; yours, if you are in one alone."))]
RoleName = Annotated[Role, typer.Argument(metavar="ROLE", help=_("What they are there."), show_default=False)]


def add_to(app: typer.Typer) -> None:
    app.add_typer(people, name="people")
    app.command("whoami", help=_("Show who you are to the server that commands speak to."))(whoami)


@people.command(
    "list", help=_("List whom a ministry answers for, and who else was sent to it or is anything in it.")
)
def list_(
    context: typer.Context,
    ministry: Ministry = None,
    kind: Annotated[
        Literal["person", "service"] | None,
        typer.Option(help=_("Only people (person), or only service accounts (service).")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.people_documents import person_document

    with people_plane(context) as opened:
        found = opened.people(ministry, ActorKind(kind) if kind else None)
    if as_json:
        say_json([person_document(person) for person in found])
        return
    from bongsu.cli.render.people import people_view

    nothing = _("Nobody. Operators add people with `bongsu people add`.")
    out().print(people_view(found) if found else nothing)


@people.command("show", help=_("Show somebody: what they are where, and what they may see."))
def show(context: typer.Context, person: PersonId, as_json: AsJson = False) -> None:
    with people_plane(context) as opened:
        found = opened.person(person)
    _tell(found, as_json, "")


@people.command("add", help=_("Add somebody to your ministry, without a role, as its operator."))
def add(
    context: typer.Context,
    person: NewPersonId,
    name: Named,
    subject: Annotated[
        str, typer.Option(help=_("What the identity provider calls them (`sub`)."), show_default=False)
    ],
    issuer: Issuer = None,
    clearance: Clearance = "O",
    compartment: Compartments = None,
    reason: Vetting = "",
    as_json: AsJson = False,
) -> None:
    with people_plane(context) as opened:
        cleared = clearance_of(clearance, compartment, opened.grades)
        new = new_person(opened, person, name, issuer, subject, (cleared, reason))
        # Service accounts get their tokens from it as well: it is the server's own one, which has passwords.
        needs_password = new.issuer == opened.issuer_for(ActorKind.SERVICE)
        made = opened.add(new)
    _tell(
        made, as_json, _("Added {person}, cleared for {clearance}; `bongsu people give-role` says what they are.")
    )
    if needs_password and not as_json:
        words = _(
            "They sign in once whoever runs the server has given them a password: `{command}`, on its machine."
        )
        say(words.format(command=f"bongsu people password {made.id}"))


@people.command("password", help=_("Give somebody a new password at `bongsu up`, on its machine; shown this once."))
def password(context: typer.Context, person: PersonId, as_json: AsJson = False) -> None:
    from bongsu.cli.commands.serve import site_home
    from bongsu.service.passwords import give_password_at

    only_here(context, "people password")
    made = give_password_at(site_home(options(context).home.absolute()), os.environ, person)
    if as_json:
        say_json(made)
        return
    say(made.password)
    words = _("{login} signs in with this. It is shown this once; what they were signed in to has ended.")
    say(words.format(login=made.login), error=True)


@people.command("give-role", help=_("Make somebody something in a ministry, as its operator."))
def give_role(
    context: typer.Context, person: PersonId, role: RoleName, ministry: Ministry = None, as_json: AsJson = False
) -> None:
    with people_plane(context) as opened:
        changed = opened.give_role(person, role, ministry)
    _tell(changed, as_json, _("Roles of {person}: {roles}."))


@people.command("take-role", help=_("Take a role from somebody, as an operator of the ministry."))
def take_role(
    context: typer.Context, person: PersonId, role: RoleName, ministry: Ministry = None, as_json: AsJson = False
) -> None:
    with people_plane(context) as opened:
        changed = opened.take_role(person, role, ministry)
    _tell(changed, as_json, _("Roles of {person}: {roles}."))


@people.command("clearance", help=_("Say what somebody of your ministry may see at most, and why."))
def clearance(
    context: typer.Context,
    person: PersonId,
    grade: Annotated[
        str,
        typer.Argument(
            metavar=METAVAR,
            autocompletion=suggested,
            help=_("The highest grade that they may see."),
            show_default=False,
        ),
    ],
    reason: Annotated[
        str, typer.Option(help=_("Which vetting it follows; it is recorded for good."), show_default=False)
    ],
    compartment: Compartments = None,
    as_json: AsJson = False,
) -> None:
    with people_plane(context) as opened:
        cleared = clearance_of(grade, compartment, opened.grades)
        changed = opened.set_clearance(person, cleared, reason)
    _tell(changed, as_json, _("{person} is cleared for {clearance}."))


@people.command("disable", help=_("Let somebody of your ministry in no longer, from now on and for good."))
def disable(context: typer.Context, person: PersonId, as_json: AsJson = False) -> None:
    with people_plane(context) as opened:
        changed = opened.disable(person)
    _tell(changed, as_json, _("{person} is let in no longer."))


@people.command("send", help=_("Let another ministry's operators give roles there to somebody of yours."))
def send(context: typer.Context, person: PersonId, ministry: MinistryName, as_json: AsJson = False) -> None:
    with people_plane(context) as opened:
        changed = opened.send(person, ministry)
    told = _("{person} is sent; operators there can give roles now.")
    _tell(changed, as_json, told)


@people.command("recall", help=_("End what somebody of yours is in another ministry."))
def recall(context: typer.Context, person: PersonId, ministry: MinistryName, as_json: AsJson = False) -> None:
    with people_plane(context) as opened:
        changed = opened.recall(person, ministry)
    _tell(changed, as_json, _("{person} is recalled."))


def whoami(context: typer.Context, as_json: AsJson = False) -> None:
    from bongsu.client.contexts import LOCAL
    from bongsu.service.people_documents import me_document
    from bongsu.service.whoami import Me

    found = server_context(context)
    with server_asked(context) as asked:
        if found is None or asked is None:
            from bongsu.service.local_actor import local_actor

            actor = local_actor()
            where = {"context": LOCAL, "server": None, "home": str(options(context).home), "ministry": None}
            me = Me(actor.id, actor.name)
        else:
            from bongsu.client.remote_people import RemotePeople

            where = {"context": found[0], "server": found[1].url, "home": None, "ministry": found[1].ministry}
            me = RemotePeople(*asked).me()
    if as_json:
        document = plain(me_document(me))
        # Nobody is cleared for anything where there is nobody to keep it from.
        say_json(where | document | ({} if found else {"clearance": None}))
        return
    from bongsu.cli.render.people import home_owner_view, me_view

    out().print(me_view(me, *found) if found else home_owner_view(me, options(context).home))


def _tell(person: Person, as_json: bool, words: str) -> None:
    """As JSON, in these words, or in full if there are none."""
    if as_json:
        from bongsu.service.people_documents import person_document

        say_json(person_document(person))
        return
    from bongsu.cli.render.people import person_view, roles_text

    if not words:
        out().print(person_view(person))
        return
    values = {"person": person.id, "clearance": str(person.clearance), "roles": roles_text(person)}
    say(words.format(**values))
