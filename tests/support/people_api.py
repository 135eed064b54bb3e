"""The API over two ministries with their people; tokens are ids of people and service accounts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from openapi_answers import hold_to_the_document
from people_places import ISSUER, Ministries

from bongsu.api.app import create_app
from bongsu.domain.codes import identity as codes
from bongsu.domain.people import Actor
from bongsu.identity.issued_tokens import MINISTRY_CLAIM
from bongsu.identity.settings import TrustedIssuer
from bongsu.service.control_plane import ControlPlane, SignInPlace
from bongsu.store.database import Database
from bongsu.store.people import actor_of
from bongsu.store.scope import EVERYTHING

OWN = f"{ISSUER}/services"
OWN_ISSUER = TrustedIssuer(OWN, "bongsu", ministry_claim=MINISTRY_CLAIM)
OTHER_ISSUER = TrustedIssuer("https://other.example", "bongsu", ("mnd",))


class PeopleApi(Ministries):
    """Attributes:
    http: a client that asks the API in this process, in English, as nobody; it fails at an answer that is not as the
        document says.
    """

    def __init__(self, database: Database, folder: Path) -> None:
        super().__init__(database, folder)
        base = replace(
            self.platform,
            scope=EVERYTHING,
            own_issuer=OWN,
            issuers=(*self.platform.issuers, OWN_ISSUER, OTHER_ISSUER),
        )
        plane = ControlPlane(base, self.identify, SignInPlace(ISSUER), service_issuer=OWN)
        self.app = create_app(plane)
        self.http = TestClient(self.app, headers={"Accept-Language": "en"}, raise_server_exceptions=False)
        self.http.event_hooks = {"response": [hold_to_the_document]}

    def identify(self, token: str) -> Actor:
        with self.platform.database.read() as connection:
            found = actor_of(connection, token.partition("/")[0], ISSUER, f"sub-{token}")
        if found is None:
            raise codes.NOT_SIGNED_IN.error()
        return found

    def ask(self, person: str, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {person}", "X-Request-Id": "request-1", **options.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **options)

    def done(self, person: str, path: str, **body: Any) -> Any:
        """The document that came of a POST."""
        response = self.ask(person, "POST", path, json=body or None)
        assert response.is_success, response.text
        return response.json()
