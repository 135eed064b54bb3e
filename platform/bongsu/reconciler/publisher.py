"""What the reconciler needs of a tracking server; ``bongsu.tracking`` implements it for MLflow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bongsu.domain.publication import ModelPage, Publication, RegisteredVersion, RegistrationRequest


class Publisher(Protocol):
    """What is published is idempotent by the keys of what is given: each call is made at least once.

    Calls are made from one thread. They may raise anything that a client of the server does; the caller tries again
    later. Only :class:`bongsu.domain.publication.RegistrationRefused` is taken for the registry's no, and what
    :func:`bongsu.domain.mistakes.is_own` tells apart for no word of the server at all.
    """

    def is_blank(self) -> bool:
        """True if the server was never told anything, or has lost all of it; False where that cannot be told without
        asking it."""
        ...

    def publish(self, items: Sequence[Publication]) -> Sequence[ModelPage]:
        """Write the items, in order.

        Returns:
            Where the models that they speak of can be looked at; the same whether or not an item was new.
        """
        ...

    def publish_registration(self, request: RegistrationRequest) -> RegisteredVersion:
        """Make a model version of an artifact, or find the one that the same request made before."""
        ...
