"""The API over a place that ministries share, for workers: their tokens are real, those of people are their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from api_places import ApiPlace
from governed_places import STAFF
from small_plans import plan_of, planned_input, stage

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import AttemptId, Digest, StageId
from bongsu.domain.labels import OPEN, Label
from bongsu.domain.people import Actor
from bongsu.domain.plan import RunPlan
from bongsu.domain.run import RunState, StageState
from bongsu.service.authenticating import open_authenticator
from bongsu.service.governance.data_permits import list_data_permits, revoke_data_permit
from bongsu.service.signing_keys import KeyUse, signing_keys
from bongsu.service.submitting import submit
from bongsu.service.worker_access import worker_token
from bongsu.store.attempts import request_attempt
from bongsu.store.database import Database
from bongsu.store.runs import get_run, move_run
from bongsu.store.stages import StageMove, move_stage


def reading(digest: Digest, label: Label = OPEN, **changes: Any) -> RunPlan:
    """A plan of MND whose one stage ``a`` takes the data set ``law/1``; ``changes`` are of the stage."""
    ref = ArtifactRef(digest=digest, type=ArtifactType.DOCUMENTS, size=1, label=label)
    given = planned_input("corpus", "datasets:/law/1", ref)
    return plan_of(stage("a", "inputs.corpus", label=label, **changes), inputs=[given])


class WorkerPlace(ApiPlace):
    """Attributes:
    keys: with which it signs tokens of workers.
    """

    def __init__(self, folder: Path, database: Database | None = None) -> None:
        super().__init__(folder, database)
        self.keys = signing_keys(folder, KeyUse.ATTEMPTS, self.platform.clock)
        self._door = open_authenticator(self.platform.database, [], self.keys)
        self.permit_use()
        self.permit_use(ministry="army")
        self.permit_data()

    def identify(self, token: str) -> Actor:
        return self.actor(token) if token in STAFF else self._door.actor(token, self.now)

    def launched(self, plan: RunPlan, ministry: str = "mnd") -> AttemptId:
        """The first attempt at stage ``a`` of a run of this plan, as it is when an executor is about to start it."""
        person = "kim" if ministry == "mnd" else "army-eng"
        made = plan.model_copy(update={"metadata": plan.metadata.model_copy(update={"ministry": ministry})})
        platform = self.as_(person)
        run = submit(platform, made).run.id
        attempt = AttemptId(run_id=run, stage_id=StageId("a"), number=1)
        with platform.write() as connection:
            move_run(connection, get_run(connection, run), RunState.RUNNING, self.now)
            for old, new in ((StageState.WAITING, StageState.READY), (StageState.READY, StageState.RUNNING)):
                move_stage(connection, StageMove(run, attempt.stage_id, old, new, self.now))
            request_attempt(connection, attempt, self.now)
        return attempt

    def token(self, attempt: AttemptId) -> str:
        return worker_token(self.platform.database, self.keys, attempt, self.now).token

    def asks(self, token: str, attempt: AttemptId, what: str, method: str = "GET") -> Any:
        """What a worker with this token is answered below an attempt's path."""
        return self.ask(token, method, f"/v1/attempts/{attempt.key}/{what}")

    def take_back_the_data(self) -> None:
        """The custodian ends every permit of MND's data."""
        for permit in list_data_permits(self.platform, self.actor("dc")):
            revoke_data_permit(self.platform, self.actor("dc"), permit.id, "Consent was withdrawn")
