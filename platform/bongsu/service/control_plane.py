"""The control plane of several ministries: the platform of each of them, as each person may have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bongsu.domain.audit import Author
from bongsu.domain.codes import access as codes
from bongsu.domain.codes import identity
from bongsu.domain.grades import GradeScheme
from bongsu.domain.messages import N_
from bongsu.domain.people import Actor
from bongsu.domain.phrases import phrase
from bongsu.domain.server_defaults import CLI_CLIENT
from bongsu.domain.tenants import HOME, Tenant
from bongsu.policy.access import Permission, permissions_in
from bongsu.policy.access_rules import permitted_in
from bongsu.service.audit.closed_logs import closed_log_reader
from bongsu.service.audit.keys import LogKeys, site_keys
from bongsu.service.grades import grades_of
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, refusals_recorded
from bongsu.store.people import person_as_actor
from bongsu.store.scope import Scope


@dataclass(frozen=True)
class SignInPlace:
    """Attributes:
    issuer: URL of the identity provider.
    client_id: what the command line is called there.
    scope: what it asks for.
    """

    issuer: str
    client_id: str = CLI_CLIENT
    scope: str = "openid profile offline_access"


@dataclass(frozen=True)
class ControlPlane:
    """Attributes:
    base: what there is, for the control plane itself.
    identify: the actor whose token this is; raises ``identity.not-signed-in`` for any other text.
    sign_in: where people sign in; None if this server does not say.
    site: name of this installation, as its records have it.
    request_id: of the request that is served; empty for what nobody asked for.
    service_issuer: URL at which this server gives tokens to service accounts; empty if it does not.
    audit_key: where the keys of the audit logs are; empty for the file in the home.
    pages: URL of MLflow's pages, where people sign in with a browser; empty if they do not.
    """

    base: Platform
    identify: Callable[[str], Actor]
    sign_in: SignInPlace | None = None
    site: str = "bongsu"
    request_id: str = ""
    audit_key: str = ""
    service_issuer: str = ""
    pages: str = ""

    def log_keys(self) -> LogKeys:
        """What the logs of all its ministries are signed by. Raises as :func:`bongsu.service.audit.keys.site_keys`."""
        return site_keys(self.base.home, self.site, self.audit_key, self.base.environment)

    def grades(self) -> GradeScheme:
        """Of the site, at this moment."""
        return grades_of(self.base)

    def for_request(self, number: str) -> ControlPlane:
        """The same, for one request: what it records carries its number."""
        return replace(self, request_id=number)

    def as_now(self, actor: Actor) -> Actor:
        """Somebody who asked a while ago, as they are now. Raises ``identity.not-signed-in`` once they are disabled."""
        with self.base.database.ask() as connection:
            found = person_as_actor(connection, actor.id)
        if found is None:
            raise identity.NOT_SIGNED_IN.error()
        return found

    def _in_name_of(self, actor: Actor, scope: Scope) -> Platform:
        tenants = scope.tenants or frozenset()
        tenant = next(iter(tenants)) if len(tenants) == 1 else HOME
        author = Author(tenant, actor.id, self.request_id)
        return replace(self.base, scope=scope, actor=actor, author=author)

    def everywhere(self, actor: Actor, permission: Permission) -> Platform:
        """For a list: what the actor sees in every ministry in which they have the permission; maybe nothing."""
        ministries = (one for one in actor.ministries if permission in permissions_in(actor, one))
        scope = Scope(frozenset(map(Tenant, ministries)), actor.clearance)
        return self._in_name_of(actor, scope)

    def each(self, actor: Actor, permission: Permission) -> Iterator[tuple[str, Platform]]:
        """As :meth:`everywhere`, ministry by ministry, by their names."""
        for tenant in sorted(self.everywhere(actor, permission).scope.tenants or ()):
            yield tenant, self.of_tenant(actor, tenant)

    def of_tenant(self, actor: Actor, tenant: Tenant) -> Platform:
        """What the actor, who was found to be somebody there, has there."""
        return self._in_name_of(actor, Scope.of(tenant, actor.clearance))

    def within(self, actor: Actor, permission: Permission, ministry: str | None = None) -> Platform:
        """For one thing, or an act, in one ministry.

        Args:
            actor: who asks.
            permission: what for.
            ministry: where; the actor's only one if none is named.

        Raises:
            BongsuError: ``access.not-a-member``, ``access.no-ministry``, ``access.forbidden``,
                ``access.several-ministries``, ``access.people-decide``.
        """
        known = sorted(actor.ministries)
        if ministry is None and not known:
            raise codes.NO_MINISTRY.error(actor=actor.id)
        if ministry is None and len(known) > 1:
            raise codes.SEVERAL_MINISTRIES.error(actor=actor.id, ministries=", ".join(known))
        found = self.of_member(actor, ministry if ministry is not None else known[0])
        refuse_without(actor, permission, found.scope.tenant)
        return found

    @contextmanager
    def refusals_at_door(self, actor: Actor, permission: Permission, ministry: str) -> Iterator[None]:
        """That somebody is let in nowhere is recorded under the name of the permission that they would need: what they
        wanted to do behind the door is not known yet."""
        asked = Ask(
            self.base,
            actor,
            tenant=Tenant(ministry),
            action=permission.value,
            object=f"ministry:{ministry}",
            request_id=self.request_id,
        )
        with refusals_recorded(asked, ("access",)):
            yield

    def of_worker(self, actor: Actor) -> Platform:
        """What there is of the ministry of the run that the worker works for. What of it the worker may touch says
        :mod:`bongsu.policy.worker`; every use case that is given this asks there."""
        (ministry,) = actor.roles
        return self._in_name_of(actor, Scope.of(Tenant(ministry)))

    def of_member(self, actor: Actor, ministry: str) -> Platform:
        """What there is for the actor in a ministry in which they are something; a use case that looks at permissions
        itself, and records a refusal, is given this. Raises ``access.not-a-member``."""
        if ministry not in actor.ministries:
            known = ", ".join(sorted(actor.ministries)) or phrase(N_("no ministry of this server"))
            raise codes.NOT_A_MEMBER.error(actor=actor.id, ministry=ministry, ministries=known)
        return self.of_tenant(actor, Tenant(ministry))

    def of_log(self, actor: Actor, ministry: str) -> Platform:
        """As :meth:`of_member`, to read the ministry's audit log: that of one that was closed, too, by who may."""
        if ministry not in actor.ministries:
            reader = closed_log_reader(self.base, actor, ministry)
            if reader is not None:
                return self.of_tenant(reader, Tenant(ministry))
        return self.of_member(actor, ministry)


def refuse_without(actor: Actor, permission: Permission, ministry: str) -> None:
    """Raises ``access.forbidden`` or ``access.people-decide`` if the actor, who is something in the ministry, lacks the
    permission there."""
    permitted_in(actor, permission, ministry).require()
