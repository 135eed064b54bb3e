"""Registrations: what a silent registry, a refusal and a cancellation make of them."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from reconciler_world import registering_stage, registration_inputs
from small_plans import plan_of, planned_input, source
from store_places import store_at, submitted

from bongsu.artifacts.local import LocalStore
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import StageId
from bongsu.domain.phrases import Verbatim, phrase
from bongsu.domain.plan import PlannedInput
from bongsu.domain.publication import (
    ModelPage,
    Publication,
    RegisteredVersion,
    RegistrationRefused,
    RegistrationRequest,
)
from bongsu.domain.run import StageState
from bongsu.reconciler import registrar
from bongsu.reconciler.facts import Published, Refused, Registered, RunFacts, Withdrawn
from bongsu.reconciler.loading import load_facts
from bongsu.reconciler.registrar import Registrar
from bongsu.reconciler.tracking_line import MAX_TRIES, Patience, TrackingLine

PATIENCE = Patience(quiet=0.0, retry=0.0, again=30.0, give_up=100.0)


class Registry:
    """Fails with what is in ``failures``, one for each call, and makes versions after that."""

    def __init__(self, failures: Sequence[Exception] = ()) -> None:
        self.failures = list(failures)
        self.calls = 0

    def is_blank(self) -> bool:
        return False

    def publish(self, items: Sequence[Publication]) -> Sequence[ModelPage]:
        raise AssertionError(f"nothing is published here: {items}")

    def publish_registration(self, request: RegistrationRequest) -> RegisteredVersion:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return RegisteredVersion(name=request.name, version=1)


class Place:
    def __init__(self, facts: RunFacts, artifacts: LocalStore, registry: Registry) -> None:
        self.facts = facts
        self.registry = registry
        self.now = 0.0
        line = TrackingLine(PATIENCE)
        self.registrar = Registrar(
            registry, lambda _tenant: artifacts, line, PATIENCE, lambda: self.now, threading.Condition()
        )
        self.planned = facts.plan.stage("register")

    def ask(self) -> None:
        self.registrar.ask(self.facts, self.planned)

    @property
    def result(self) -> Published | None:
        return self.registrar.results(self.facts.run.id).get(self.planned.id)


@pytest.fixture
def facts(tmp_path: Path) -> RunFacts:
    """A run whose stage ``register`` has written what it wants registered."""
    artifacts = LocalStore(tmp_path / "artifacts")
    base, proof = registration_inputs(artifacts)
    wanted = {"name": "light", "modelDigest": base.ref.digest, "verifications": [proof.ref.digest]}
    written = tree(artifacts, ArtifactType.REGISTRATION, "registration.json", wanted)
    return publishing(tmp_path, written, base, proof)


def tree(artifacts: LocalStore, type_: ArtifactType, path: str, content: Any) -> ArtifactRef:
    writer = artifacts.writer(f"written/{path}")
    with writer.create(path) as file:
        file.write(json.dumps(content).encode())
    manifest = writer.commit()
    return ArtifactRef(digest=manifest.digest, type=type_, size=manifest.size)


def publishing(tmp_path: Path, written: ArtifactRef, *inputs: PlannedInput) -> RunFacts:
    """A run whose stage ``register`` takes ``inputs`` and has left ``written``."""
    stage_id = StageId("register")
    taking = registering_stage(stage_id)
    proofs = tuple(source(f"inputs.{one.name}") for one in inputs if one.ref.type is ArtifactType.VERIFICATION)
    taking = taking.model_copy(update={"inputs": taking.inputs | {"verifications": proofs}})
    with closing(store_at(tmp_path)) as database:
        run = submitted(database, plan=plan_of(taking, inputs=inputs))
        with database.read() as connection:
            loaded = load_facts(connection, run)
    record = replace(loaded.stages[stage_id], state=StageState.PUBLISHING, outputs={"registration": written})
    return replace(loaded, stages={stage_id: record})


def place(facts: RunFacts, tmp_path: Path, failures: Sequence[Exception] = ()) -> Place:
    return Place(facts, LocalStore(tmp_path / "artifacts"), Registry(failures))


def test_a_registration_is_made_once(facts: RunFacts, tmp_path: Path) -> None:
    at = place(facts, tmp_path)
    for _ in range(2):
        at.ask()
        at.registrar.work()
    assert isinstance(at.result, Registered)
    assert at.registry.calls == 1
    assert not at.registrar.is_busy


def test_a_silent_registry_is_asked_again_until_it_answers(facts: RunFacts, tmp_path: Path) -> None:
    at = place(facts, tmp_path, [ConnectionError("down")] * (MAX_TRIES + 1))
    at.ask()
    at.registrar.work()
    assert at.result is None, "silence is no answer"
    assert at.registrar.next_try() == PATIENCE.again
    at.now = PATIENCE.again
    at.registrar.work()
    assert at.registry.calls == MAX_TRIES + 1, "one try is enough while it is known to be down"
    at.now *= 2
    at.registrar.work()
    assert isinstance(at.result, Registered)


def test_a_long_silence_is_a_refusal_that_says_so(facts: RunFacts, tmp_path: Path) -> None:
    at = place(facts, tmp_path, [ConnectionError("down")] * 100)
    at.ask()
    while at.result is None:
        at.registrar.work()
        at.now += PATIENCE.again
    assert isinstance(at.result, Refused)
    assert "100 s" in str(at.result.reason)
    assert "down" in str(at.result.reason)


def test_a_registration_that_waited_for_its_turn_is_not_refused_at_the_first_silence(
    facts: RunFacts, tmp_path: Path
) -> None:
    at = place(facts, tmp_path, [ConnectionError("down")] * MAX_TRIES)
    at.ask()
    at.now = 2 * PATIENCE.give_up
    at.registrar.work()
    assert at.result is None
    at.now += PATIENCE.again
    at.registrar.work()
    assert isinstance(at.result, Registered)


def test_a_silent_artifact_store_is_named_and_refuses_nothing(
    facts: RunFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = place(facts, tmp_path)
    at.ask()

    def silent(_store: LocalStore, _digest: str) -> None:
        raise OSError("no route")

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "reader", silent)
        for _ in range(3):
            at.registrar.work()
            at.now += 2 * PATIENCE.give_up
    assert at.result is None
    assert "artifact store" in str(at.registrar.trouble)
    assert "no route" in str(at.registrar.trouble)
    at.registrar.work()
    assert isinstance(at.result, Registered)
    assert at.registrar.trouble == ""


def test_what_cannot_be_made_a_request_is_refused_at_once(
    facts: RunFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = place(facts, tmp_path)
    monkeypatch.setattr(registrar, "registration_request", lambda *_: RegistrationRequest.model_validate({}))
    at.ask()
    at.registrar.work()
    assert isinstance(at.result, Refused)
    assert "cannot be read" in str(at.result.reason)


def test_a_mistake_in_reading_it_is_called_so_and_refused_at_once(
    facts: RunFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_given: object) -> None:
        raise TypeError("a-bug")

    at = place(facts, tmp_path)
    monkeypatch.setattr(registrar, "registration_request", broken)
    at.ask()
    at.registrar.work()
    assert at.result == Refused(
        phrase("a fault of Bongsu; report it: {detail}", detail=Verbatim("TypeError: a-bug"))
    )
    assert "in broken" in caplog.text


def test_a_mistake_in_asking_for_it_is_tried_again_and_refuses_it_in_the_end(
    facts: RunFacts, tmp_path: Path
) -> None:
    at = place(facts, tmp_path, [TypeError("a-bug")] * 100)
    at.ask()
    at.registrar.work()
    assert at.result is None
    assert "a fault of Bongsu; report it: TypeError: a-bug" in str(at.registrar.trouble)
    while at.result is None:
        at.now += PATIENCE.again
        at.registrar.work()
    assert isinstance(at.result, Refused)
    assert "a fault of Bongsu" in str(at.result.reason)
    assert "no answer" not in str(at.result.reason), "the registry is not to blame"


@pytest.mark.parametrize(
    ("path", "changes"),
    [("other.json", {}), ("registration.json", {"name": "../light"}), ("registration.json", {"name": "a' or 1"})],
)
def test_a_tree_that_is_no_registration_is_refused_at_once(
    tmp_path: Path, path: str, changes: dict[str, str]
) -> None:
    artifacts = LocalStore(tmp_path / "artifacts")
    base, proof = registration_inputs(artifacts)
    wanted = {"name": "light", "modelDigest": base.ref.digest, "verifications": [proof.ref.digest], **changes}
    written = tree(artifacts, ArtifactType.REGISTRATION, path, wanted)
    at = place(publishing(tmp_path, written, base, proof), tmp_path)
    at.ask()
    at.registrar.work()
    assert isinstance(at.result, Refused)
    assert at.registry.calls == 0


@pytest.mark.parametrize("is_named", [True, False])
def test_one_verification_that_failed_on_the_model_outweighs_all_that_passed(
    tmp_path: Path, is_named: bool
) -> None:
    artifacts = LocalStore(tmp_path / "artifacts")
    base, proof = registration_inputs(artifacts)
    entries = [{"modelDigest": base.ref.digest, "passed": False}]
    failed = tree(artifacts, ArtifactType.VERIFICATION, "verification.json", {"entries": entries})
    against = planned_input("against", "file:against", failed)
    named = [proof.ref.digest, *([failed.digest] if is_named else [])]
    wanted = {"name": "light", "modelDigest": base.ref.digest, "verifications": named}
    written = tree(artifacts, ArtifactType.REGISTRATION, "registration.json", wanted)
    at = place(publishing(tmp_path, written, base, proof, against), tmp_path)
    at.ask()
    at.registrar.work()
    assert isinstance(at.result, Refused)


@pytest.mark.parametrize(("is_model", "words"), [(False, "cannot be read"), (True, "what is none")])
def test_what_cannot_be_read_as_a_verification_is_not_passed_over(
    tmp_path: Path, is_model: bool, words: str
) -> None:
    artifacts = LocalStore(tmp_path / "artifacts")
    base, proof = registration_inputs(artifacts)
    entries = [{"modelDigest": base.ref.digest, "passed": True}]
    other = tree(artifacts, ArtifactType.VERIFICATION, "other.json", {"entries": entries})
    odd = base if is_model else planned_input("odd", "file:odd", other)
    named = [proof.ref.digest, odd.ref.digest]
    wanted = {"name": "light", "modelDigest": base.ref.digest, "verifications": named}
    written = tree(artifacts, ArtifactType.REGISTRATION, "registration.json", wanted)
    inputs = [base, proof] if is_model else [base, proof, odd]
    at = place(publishing(tmp_path, written, *inputs), tmp_path)
    at.ask()
    at.registrar.work()
    assert isinstance(at.result, Refused)
    assert words in str(at.result.reason)
    assert at.registry.calls == 0


def test_the_registrys_no_is_final_at_once(facts: RunFacts, tmp_path: Path) -> None:
    at = place(facts, tmp_path, [RegistrationRefused("a name like this is not allowed")])
    at.ask()
    at.registrar.work()
    assert at.result == Refused("a name like this is not allowed")
    assert at.registry.calls == 1


def test_damaged_evidence_is_refused_without_asking_the_registry(facts: RunFacts, tmp_path: Path) -> None:
    at = place(facts, tmp_path)
    for file in (tmp_path / "artifacts").rglob("verification.json"):
        file.chmod(0o600)
        file.write_bytes(b"x" * file.stat().st_size)
    at.ask()
    at.registrar.work()
    assert isinstance(at.result, Refused)
    assert at.registry.calls == 0


def test_what_is_withdrawn_before_it_is_in_hand_is_not_made(facts: RunFacts, tmp_path: Path) -> None:
    at = place(facts, tmp_path)
    at.ask()
    at.registrar.withdraw(facts.run.id, at.planned.id)
    at.registrar.work()
    assert at.result == Withdrawn()
    assert at.registry.calls == 0


def test_what_is_made_stays_although_it_is_withdrawn_then(facts: RunFacts, tmp_path: Path) -> None:
    at = place(facts, tmp_path)
    at.ask()
    at.registrar.work()
    at.registrar.withdraw(facts.run.id, at.planned.id)
    assert isinstance(at.result, Registered)


def test_what_waits_for_a_silent_registry_can_be_withdrawn(facts: RunFacts, tmp_path: Path) -> None:
    at = place(facts, tmp_path, [ConnectionError("down")] * MAX_TRIES)
    at.ask()
    at.registrar.work()
    at.registrar.withdraw(facts.run.id, at.planned.id)
    assert at.result == Withdrawn()
    assert not at.registrar.is_busy
