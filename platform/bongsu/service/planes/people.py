"""What the command line asks of ministries and people. A home that no server shares has neither."""

from __future__ import annotations

from typing import Protocol

from bongsu.domain.grades import GradeScheme
from bongsu.domain.labels import Label
from bongsu.domain.people import ActorKind, Role
from bongsu.service.ministries import NewMinistry, Receiver
from bongsu.service.people import NewPerson
from bongsu.service.service_accounts import SecretSummary, ShownSecret
from bongsu.service.whoami import Me
from bongsu.store.people import Ministry, Person

__all__ = ["Ministry", "PeoplePlane", "Person"]


class PeoplePlane(Protocol):
    """Every method raises BongsuError with what is wrong. A person or service account is named by its id,
    ``MINISTRY/NAME``."""

    def me(self) -> Me:
        """Whoever asks."""
        ...

    def issuer_for(self, kind: ActorKind) -> str:
        """The identity provider from which tokens of such are expected; empty if the server does not say."""
        ...

    def grades(self) -> GradeScheme:
        """Of the site."""
        ...

    def ministries(self) -> list[Ministry]:
        """Those in which the asker may look, by name."""
        ...

    def receivers(self) -> list[Receiver]:
        """All that take part, by name, for who may name one as a receiver."""
        ...

    def register(self, new: NewMinistry, operator: NewPerson) -> Ministry:
        """A further ministry with its first operator."""
        ...

    def close(self, ministry: str, witness: str | None) -> Ministry:
        """A ministry leaves; auditors of another one, if it is named, read its log from then on."""
        ...

    def people(self, ministry: str | None, kind: ActorKind | None) -> list[Person]:
        """Whom a ministry answers for, who was sent to it, and who is anything in it, by id; the asker's only one if
        none is named."""
        ...

    def person(self, person: str) -> Person: ...

    def add(self, new: NewPerson) -> Person: ...

    def give_role(self, person: str, role: Role, ministry: str | None) -> Person: ...

    def take_role(self, person: str, role: Role, ministry: str | None) -> Person: ...

    def set_clearance(self, person: str, clearance: Label, reason: str) -> Person: ...

    def disable(self, person: str) -> Person: ...

    def send(self, person: str, ministry: str) -> Person:
        """Let another ministry's operators make somebody something there."""
        ...

    def recall(self, person: str, ministry: str) -> Person: ...

    def secrets(self, account: str) -> list[SecretSummary]:
        """Those that hold, oldest first."""
        ...

    def new_secret(self, account: str, overlap_s: float) -> ShownSecret:
        """The one before holds for ``overlap_s`` seconds more."""
        ...

    def withdraw_secret(self, account: str, secret: str) -> None: ...
