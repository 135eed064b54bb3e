"""What whoever installs a server says of its ministries, before it runs or beside it: the first, who owns GPUs,
and who operates one that was left without an operator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bongsu.domain.codes import people as codes
from bongsu.domain.server_defaults import AUDIENCE
from bongsu.identity.settings import TrustedIssuer
from bongsu.service.embedded import open_home
from bongsu.service.ministries import NewMinistry, found_platform, name_operator, say_owns_gpus
from bongsu.service.people import NewPerson
from bongsu.service.platform import Platform
from bongsu.store.ministries import is_governed
from bongsu.store.people import Ministry, Person
from bongsu.store.runs import list_runs


def found_at(
    home: Path, environment: Mapping[str, str], database_url: str | None, new: NewMinistry, operator: NewPerson
) -> Ministry:
    """Found the platform whose state lies in a home, or in a database. Asked twice, it is done once.

    Args:
        home: of the server; made if it does not exist.
        environment: of the process.
        database_url: of PostgreSQL; None for the file in the home.
        new: the ministry.
        operator: its first operator, with an identity provider that the server will trust.

    Raises:
        BongsuError: ``people.somebodys-home`` for a home in which its owner has run pipelines: they would be closed out
            of it; ``identity.setting`` if the issuer can be none; what
            :func:`bongsu.service.ministries.found_platform` and :func:`bongsu.service.embedded.open_home` raise.
    """
    TrustedIssuer(issuer=operator.issuer, audience=AUDIENCE, ministries=(new.name,))  # it refuses what can be none
    with _opened(home, environment, database_url) as platform:
        with platform.read() as connection:
            if not is_governed(connection) and list_runs(connection, limit=1):
                raise codes.SOMEBODYS_HOME.error(home=str(platform.home))
        return found_platform(platform, new, operator)


def owners_at(
    home: Path, environment: Mapping[str, str], database_url: str | None, ministry: str, owns: bool
) -> Ministry:
    """Say whether a ministry owns GPUs, at a server's home or database. Asked twice, it is done once.

    Args:
        home, environment, database_url: as of :func:`found_at`.
        ministry: by its name.
        owns: whether it may give grants from now on.

    Raises:
        BongsuError: what :func:`bongsu.service.ministries.say_owns_gpus` and
            :func:`bongsu.service.embedded.open_home` raise.
    """
    with _opened(home, environment, database_url) as platform:
        return say_owns_gpus(platform, ministry, owns)


def operator_at(
    home: Path, environment: Mapping[str, str], database_url: str | None, ministry: str, person: str
) -> Person:
    """Name an operator of a ministry that has none, at a server's home or database. Asked twice, it is done once.

    Args:
        home, environment, database_url: as of :func:`found_at`.
        ministry: by its name.
        person: one of its people.

    Raises:
        BongsuError: what :func:`bongsu.service.ministries.name_operator` and
            :func:`bongsu.service.embedded.open_home` raise.
    """
    with _opened(home, environment, database_url) as platform:
        return name_operator(platform, ministry, person)


@contextmanager
def _opened(home: Path, environment: Mapping[str, str], database_url: str | None) -> Iterator[Platform]:
    platform = open_home(home, environment, None, database_url)
    try:
        yield platform
    finally:
        platform.close()
