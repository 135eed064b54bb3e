"""The API over a place that ministries share; tokens are the names of people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from governed_places import STAFF, GovernedPlace
from openapi_answers import hold_to_the_document
from small_plans import plan_of, stage
from sqlalchemy import event

from bongsu.api.app import create_app
from bongsu.domain.codes import identity as codes
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.people import Actor
from bongsu.domain.plan import RunPlan
from bongsu.domain.tenants import Tenant
from bongsu.service.control_plane import ControlPlane
from bongsu.service.refusals import Refusals
from bongsu.service.submitting import submit
from bongsu.store.database import Database
from bongsu.store.scope import EVERYTHING

PIPELINE = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: checks, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Draft administrative documents}
  stages:
    - {name: a, uses: probe, with: {text: x}}
"""


class ApiPlace(GovernedPlace):
    """Where somebody may be refused as often as a test likes, if it does not say how often.

    Attributes:
    http: a client that asks the API in this process, in English, as nobody; it fails at an answer that is not as the
        document says.
    """

    def __init__(
        self, folder: Path, database: Database | None = None, refusals: Refusals | None = None, **settings: Any
    ) -> None:
        super().__init__(folder, database)
        base = replace(self.platform, scope=EVERYTHING, refusals=refusals or Refusals(1_000_000))
        self.plane = ControlPlane(base, self.identify)
        self.app = create_app(self.plane, **settings)
        self.http = TestClient(self.app, headers={"Accept-Language": "en"}, raise_server_exceptions=False)
        self.http.event_hooks = {"response": [hold_to_the_document]}

    def identify(self, token: str) -> Actor:
        if token not in STAFF:
            raise codes.NOT_SIGNED_IN.error()
        return self.actor(token)

    def ask(self, person: str, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {person}", **options.pop("headers", {})}
        return self.http.request(method, path, headers=headers, **options)

    @contextmanager
    def asked(self) -> Iterator[list[str]]:
        """The statements that the database is asked meanwhile, each on one line."""
        found: list[str] = []

        def note(*given: Any) -> None:
            found.append(" ".join(given[2].split()))

        event.listen(self.platform.database.engine, "before_cursor_execute", note)
        try:
            yield found
        finally:
            event.remove(self.platform.database.engine, "before_cursor_execute", note)

    def run_of(self, person: str, name: str = "checks", label: Label = OPEN) -> str:
        """A run that somebody submitted, with this label."""
        ministry, _role = STAFF[person]
        plan: RunPlan = plan_of(stage("a"), name=name)
        metadata = plan.metadata.model_copy(update={"ministry": ministry})
        stages = tuple(one.model_copy(update={"label": label}) for one in plan.stages)
        made = plan.model_copy(update={"metadata": metadata, "floor": label, "stages": stages})
        return submit(self.plane.of_tenant(self.actor(person), Tenant(ministry)), made).run.id
