"""One site for all runbooks of a server: each begins and ends with two replicas that answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from needs import lacks
from runbook_demonstration import Demonstration, demonstrated
from runbook_site import Site, installed_site, lacking

INSTALL = ".ci/install-servers.sh"


@pytest.fixture(scope="session")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if lacking():
        lacks(f"{', '.join(lacking())}: bash {INSTALL}")
    with installed_site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture
def site(_site: Site) -> Iterator[Site]:
    """Skips where there is no PostgreSQL, nginx or systemd; CI may not lack them."""
    _site.await_ready()
    _site.followed.clear()
    yield _site
    _site.followed.clear()


@pytest.fixture(scope="session")
def _demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    with demonstrated(tmp_path_factory.mktemp("up")) as found:
        yield found


@pytest.fixture
def demonstration(_demonstration: Demonstration) -> Demonstration:
    """What ``bongsu up`` serves."""
    _demonstration.followed.clear()
    return _demonstration
