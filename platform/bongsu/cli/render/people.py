"""Ministries and people, each in a line or two."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from bongsu.cli.render.runs import moment
from bongsu.cli.texts import _
from bongsu.client.contexts import Context
from bongsu.domain.people import ActorKind
from bongsu.service.ministries import Receiver
from bongsu.service.planes.people import Ministry, Person
from bongsu.service.service_accounts import SecretSummary
from bongsu.service.whoami import Me


def ministries_view(found: Sequence[Ministry]) -> RenderableType:
    lines = []
    for one in found:
        head = Text(one.name, style="bold")
        head.append(f"  {one.title_ko} · {one.title_en}", style="")
        since = _("since {at}").format(at=moment(one.created_at))
        left = "  " + _("left on {at}").format(at=moment(one.closed_at)) if one.closed_at is not None else ""
        lines += [head, Text(f"  {since}{left}", style="dim")]
    return Group(*lines)


def receivers_view(found: Sequence[Receiver]) -> RenderableType:
    lines = []
    for one in found:
        line = Text(one.name, style="bold")
        lines.append(line.append(f"  {one.title_ko} · {one.title_en}", style=""))
    return Group(*lines)


def people_view(found: Sequence[Person]) -> RenderableType:
    return Group(*[line for person in found for line in _person(person)])


def person_view(person: Person) -> RenderableType:
    since = _("since {at}").format(at=moment(person.created_at))
    return Group(*_person(person), Text(f"  {since}", style="dim"))


def secrets_view(found: Sequence[SecretSummary]) -> RenderableType:
    lines = []
    for one in found:
        line = Text(one.id, style="bold")
        line.append("  " + _("since {at}").format(at=moment(one.created_at)), style="")
        if one.ends_at is not None:
            line.append("  " + _("holds until {at}").format(at=moment(one.ends_at)), style="")
        lines.append(line)
    return Group(*lines)


def me_view(me: Me, name: str, context: Context) -> RenderableType:
    """Somebody at a server."""
    lines = [
        _head(me.id, me.name, me.kind),
        Text(_("Cleared for {label}").format(label=me.clearance)),
        *(Text(f"{ministry}: {', '.join(one.roles)}") for ministry, one in me.ministries.items()),
    ]
    if not me.ministries:
        lines.append(Text(_("You are nothing in any ministry; an operator of yours gives roles."), style="yellow"))
    acts = _("commands act in {ministry}").format(ministry=context.ministry) if context.ministry else ""
    where = f"{name} · {context.url} · {me.site} {me.version}"
    return Group(*lines, Text(where + (f" · {acts}" if acts else ""), style="dim"))


def standing_text(me: Me) -> str:
    """``mnd: engineer, approver; army: auditor``."""
    told = (f"{ministry}: {', '.join(one.roles)}" for ministry, one in me.ministries.items())
    return "; ".join(told) or _("no role")


def home_owner_view(me: Me, home: Path) -> RenderableType:
    """Whoever works on this machine without a server."""
    words = _("The owner of the home {home} on this machine; commands speak to no server.").format(home=home)
    return Group(Text(me.id, style="bold"), Text(words))


def roles_text(person: Person) -> str:
    """``mnd: engineer, approver; army: auditor``, as far as whoever asks may know."""
    told = (f"{ministry}: {', '.join(sorted(roles))}" for ministry, roles in sorted(person.roles.items()) if roles)
    return "; ".join(told) or _("no role")


def _person(person: Person) -> list[Text]:
    head = _head(person.id, person.name, person.kind)
    if person.disabled_at is not None:
        head.append("  " + _("disabled since {at}").format(at=moment(person.disabled_at)), style="yellow")
    parts = [roles_text(person), _("Cleared for {label}").format(label=person.clearance)]
    if person.sent_to:
        parts.append(_("sent to {ministries}").format(ministries=", ".join(sorted(person.sent_to))))
    return [head, Text("  " + " · ".join(parts), style="")]


def _head(id_: str, name: str, kind: ActorKind) -> Text:
    head = Text(id_, style="bold")
    head.append(f"  {name}", style="")
    if kind is ActorKind.SERVICE:
        head.append("  " + _("service account"), style="")
    return head
