"""The control plane in front of the MLflow of ``governed_world``: people whose tokens are the names in its list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from governed_world import PEOPLE
from people_places import Ministries, new
from sqlalchemy import Table, insert, select, update
from store_places import open_at, store_at

from bongsu.domain.codes import identity as codes
from bongsu.domain.data_permits import SharedObject
from bongsu.domain.people import Actor, ActorKind, Role
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass
from bongsu.service.control_plane import ControlPlane
from bongsu.service.ministries import NewMinistry, register_ministry
from bongsu.service.refusals import Refusals
from bongsu.store.permits import add_access_permit
from bongsu.store.schema_people import memberships, people
from bongsu.store.scope import EVERYTHING
from bongsu.tracking.governed.viewer import Viewer

WORKER = "worker"
"""Token of the worker of an attempt of MND."""
ROBOT = "mnd-robot"
"""Token of a service account of MND, cleared for everything."""
NOBODY_YET = "nobody-yet"
"""Token of somebody who is nothing in any ministry."""
GUEST = "msit"
"""The ministry with which DAPA shares its model."""
CLEARED = PEOPLE["mnd-all"].clearance
DAPA = NewMinistry("dapa", "방위사업청", "Defense Acquisition Program Administration")


def plane_at(folder: Path) -> ControlPlane:
    """Over a new store in the folder, with the ministries of the world and the model that one of them shares."""
    made = Ministries(store_at(folder), folder)
    register_ministry(made.platform, made.actor("mnd/op"), DAPA, new("dapa/op"))
    with made.platform.write() as connection:
        add_access_permit(connection, _shared(made.now))
        for one in map(identify, [*PEOPLE, ROBOT]):
            values = {"id": one.id, "name": one.name, "kind": one.kind.value, "clearance": str(one.clearance)}
            connection.execute(insert(people).values(**values, created_at=made.now))
            for ministry, role in [(ministry, role) for ministry, roles in one.roles.items() for role in roles]:
                connection.execute(insert(memberships).values(person=one.id, ministry=ministry, role=role.value))
    # Whoever tries everything is refused much.
    return ControlPlane(replace(made.platform, scope=EVERYTHING, refusals=Refusals(10**6)), identify)


@contextmanager
def changing(
    folder: Path, token: str, values: Mapping[str, object], table: Table = people
) -> Iterator[Callable[[], None]]:
    """What changes the account of somebody, whose token goes on to say what they were, or what they are in a ministry.
    Afterwards all is as it was. ``folder`` is that of :func:`plane_at`."""
    database = open_at(folder)
    of_them = (people.c.id if table is people else memberships.c.person) == PEOPLE[token].id

    def write(change: Mapping[str, object]) -> None:
        with database.write() as connection:
            assert connection.execute(update(table).where(of_them).values(**change)).rowcount == 1

    with database.read() as connection:
        before = connection.execute(select(*(table.c[name] for name in values)).where(of_them)).one()
    try:
        yield partial(write, values)
    finally:
        write(before._mapping)
        database.close()


def identify(token: str) -> Actor:
    """Who has a token. Raises ``identity.not-signed-in``."""
    if token in PEOPLE:
        return _person(PEOPLE[token])
    if token == ROBOT:
        roles = frozenset(Role)
        return Actor("mnd/robot", "Robot", ActorKind.SERVICE, {"mnd": roles}, CLEARED)
    if token == WORKER:
        return Actor("worker:r-x/a/1", "Worker", ActorKind.WORKER, {"mnd": frozenset()})
    if token == NOBODY_YET:
        return Actor("mnd/new", "New", clearance=CLEARED)
    raise codes.NOT_SIGNED_IN.error()


def _person(shown: Viewer) -> Actor:
    """Somebody for whom in MLflow there is what the world says."""
    roles = {ministry: frozenset({_role(shown, ministry)}) for ministry in shown.ministries}
    return Actor(shown.id, shown.id, roles=roles, clearance=shown.clearance)


def _role(shown: Viewer, ministry: str) -> Role:
    if ministry in shown.writes:
        return Role.ENGINEER
    return Role.DATA_CUSTODIAN if ministry in shown.reads_files else Role.PROGRAMME_MANAGER


def _shared(now: float) -> SharedObject:
    return SharedObject(
        id="access-1",
        object="model:dapa-model/1",
        giver=Tenant("dapa"),
        ministry=Tenant(GUEST),
        purpose=UseClass.ADMINISTRATION,
        begins_at=now,
        ends_at=now + 1e9,
        given_by="dapa/op",
        given_at=now,
        reason="They asked for it",
    )
