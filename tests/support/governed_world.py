"""Two ministries in one MLflow: people of several clearances, and things of several labels, each with a word that
stands in everything that is said of it. Who sees the word has seen the thing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bongsu.artifacts.base import ArtifactStore
from bongsu.artifacts.open import open_store
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.publication import (
    MetricPoint,
    PublishedTree,
    RegistrationRequest,
    RunClosed,
    RunOpened,
    StageFinished,
)
from bongsu.reconciler.publisher import Publisher
from bongsu.tracking.governed.publisher import open_publisher
from bongsu.tracking.governed.settings import GovernedSettings
from bongsu.tracking.governed.viewer import SharedModel, Viewer

T0 = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
OPEN, SECRET, CLASSIFIED = Label(), Label(grade="S"), Label(grade="C")
LOGISTICS = Label(grade="S", compartments=frozenset({"logistics"}))
THIRD, SECOND, FIRST = Label(grade="III"), Label(grade="II"), Label(grade="I")
EVERYTHING = Label(grade="C", compartments=frozenset({"logistics"}))


@dataclass(frozen=True)
class Told:
    """One run that the control plane published, with everything of it."""

    word: str
    ministry: str
    pipeline: str
    label: Label
    model: str

    @property
    def run_id(self) -> str:
        return f"r-{self.word}"

    @property
    def alias(self) -> str:
        """Says nothing, because who asks for it by name is told that there is none of this name."""
        return f"alias-{sum(self.word.encode())}"


TOLD = (
    Told("plainword", "mnd", "open-law", OPEN, "axk1-light"),
    Told("mixedlow", "mnd", "mixed", OPEN, "axk1-light"),
    Told("secretword", "mnd", "secret-plan", SECRET, "axk1-light"),
    Told("logiword", "mnd", "supplies", LOGISTICS, "axk1-supplies"),
    Told("deepword", "mnd", "deep-plan", CLASSIFIED, "axk1-light"),
    Told("mixedhigh", "mnd", "mixed", CLASSIFIED, "axk1-deep"),
    Told("thirdword", "mnd", "plans", THIRD, "axk1-plans"),
    Told("secondword", "mnd", "plans", SECOND, "axk1-plans"),
    Told("firstword", "mnd", "plans", FIRST, "axk1-plans"),
    Told("dapaopen", "dapa", "open-law", OPEN, "dapa-model"),
    Told("dapadeep", "dapa", "deep-plan", CLASSIFIED, "dapa-model"),
)
# Logged by somebody with MLflow's own client, see ``governed_ids``.
LOGGED = Told("ownword", "mnd", "own-deep", CLASSIFIED, "own-model")
BY_WORD = {told.word: told for told in (*TOLD, LOGGED)}


def _viewer(
    id: str,
    ministries: Collection[str],
    clearance: Label,
    writes: Collection[str] = (),
    reads_files: Collection[str] | None = None,
    shared: frozenset[SharedModel] = frozenset(),
) -> Viewer:
    """``reads_files``: wherever they are something, if it is not stated."""
    reads = ministries if reads_files is None else reads_files
    home = id.partition("/")[0]
    return Viewer(id, frozenset(ministries), home, clearance, frozenset(writes), frozenset(reads), shared)


PEOPLE = {
    "mnd-open": _viewer("mnd/oh", {"mnd"}, OPEN, writes={"mnd"}),
    "mnd-secret": _viewer("mnd/seo", {"mnd"}, SECRET, writes={"mnd"}),
    "mnd-logistics": _viewer("mnd/lim", {"mnd"}, LOGISTICS, writes={"mnd"}),
    "mnd-classified": _viewer("mnd/choi", {"mnd"}, CLASSIFIED, writes={"mnd"}),
    "mnd-third": _viewer("mnd/sam", {"mnd"}, THIRD, writes={"mnd"}),
    "mnd-second": _viewer("mnd/yi", {"mnd"}, SECOND, writes={"mnd"}),
    "mnd-all": _viewer("mnd/ahn", {"mnd"}, EVERYTHING, writes={"mnd"}),
    "mnd-reader": _viewer("mnd/ryu", {"mnd"}, EVERYTHING),
    "mnd-manager": _viewer("mnd/ma", {"mnd"}, EVERYTHING, reads_files=()),
    "dapa-all": _viewer("dapa/do", {"dapa"}, EVERYTHING, writes={"dapa"}),
    "both-all": _viewer("mnd/ban", {"mnd", "dapa"}, EVERYTHING, writes={"mnd", "dapa"}),
    # An engineer of MND who looks after a programme of DAPA.
    "mnd-seconded": _viewer("mnd/sim", {"mnd", "dapa"}, EVERYTHING, writes={"mnd"}, reads_files={"mnd"}),
    "mnd-guest": _viewer(
        "mnd/guk",
        {"mnd", "msit"},
        EVERYTHING,
        writes={"mnd", "msit"},
        shared=frozenset({SharedModel("dapa", "dapa-model", 1)}),
    ),
    # MSIT, with which the model is shared, is where they read no files.
    "msit-manager": _viewer(
        "mnd/min",
        {"mnd", "msit"},
        EVERYTHING,
        reads_files={"mnd"},
        shared=frozenset({SharedModel("dapa", "dapa-model", 1, has_files=False)}),
    ),
}
"""By the token that they send."""


def words_of(token: str | None, workspace: str | None = None) -> frozenset[str]:
    """What the bearer of a token may come to read, by the rule itself: ministry and clearance."""
    viewer = PEOPLE.get(token or "")
    if viewer is None:
        return frozenset()
    seen = {
        told.word
        for told in BY_WORD.values()
        if told.ministry in viewer.ministries
        and viewer.clearance.dominates(told.label)
        and workspace in (None, told.ministry)
    }
    return frozenset(seen)


def settings(home: Path, database: str) -> GovernedSettings:
    return GovernedSettings(
        database_uri=database,
        files_uri=(home / "files").as_uri(),
        trees=lambda _ministry: trees(home),
        max_message=2**22,
    )


def trees(home: Path) -> ArtifactStore:
    return open_store((home / "trees").as_uri(), home / "cache")


def tell_everything(home: Path, database: str, publisher: Publisher | None = None) -> None:
    """Publish :data:`TOLD`, in order; the versions of ``axk1-light`` are 1 (O), 2 (O), 3 (S) and 4 (C). Without a
    publisher, MLflow is opened and closed for it."""
    if publisher is None:
        with open_publisher(settings(home, database)) as opened:
            tell_everything(home, database, opened)
        return
    for number, told in enumerate(TOLD):
        made = _tree(home, told)
        publisher.publish([_opened(told), _stage(told, made, T0 + timedelta(minutes=number))])
        closed = RunClosed(
            run_id=told.run_id,
            ministry=told.ministry,
            pipeline=told.pipeline,
            state="succeeded",
            label=told.label,
            time=T0 + timedelta(hours=1),
        )
        publisher.publish([closed])
        publisher.publish_registration(_request(told, made))


def _tree(home: Path, told: Told) -> ArtifactRef:
    writer = trees(home).writer(f"model-{told.word}")
    for path in ("weights/part-0.bin", "config.json"):
        with writer.create(path) as file:
            file.write(f"{path} of {told.word}".encode())
    manifest = writer.commit()
    return ArtifactRef(digest=manifest.digest, type=ArtifactType.MODEL, label=told.label, size=manifest.size)


def _opened(told: Told) -> RunOpened:
    return RunOpened(
        run_id=told.run_id,
        pipeline=told.pipeline,
        ministry=told.ministry,
        plan_hash=Digest("sha256-" + "d" * 64),
        purpose=f"purpose {told.word}",
        use_class="administration",
        label=told.label,
        parameters={"steps": 80, "said": f"parameter {told.word}"},
        time=T0,
    )


def _stage(told: Told, made: ArtifactRef, time: datetime) -> StageFinished:
    text = ArtifactRef(
        digest=Digest("sha256-" + told.word.encode().hex().ljust(64, "0")[:64]),
        type=ArtifactType.TOKENS,
        label=told.label,
        size=5,
    )
    return StageFinished(
        run_id=told.run_id,
        ministry=told.ministry,
        stage_id="adapt",
        attempt=1,
        title=f"adapt {told.word}",
        uses="train.continue",
        pipeline=told.pipeline,
        state="succeeded",
        label=told.label,
        params={"steps": 80, "said": told.word},
        metrics={"loss": 4.5, f"quality.{told.word}": 1.5},
        history=tuple(MetricPoint(name="loss", value=9.0 - n, step=n, time=time.timestamp() + n) for n in range(3)),
        inputs=(PublishedTree(port="tokens", title=f"corpus {told.word}", ref=text, uri=f"file:///{told.word}"),),
        outputs=(PublishedTree(port="model", title=f"model {told.word}", ref=made, uri=f"file:///{told.word}"),),
        notes={"said": told.word},
        started_at=time,
        finished_at=time + timedelta(seconds=30),
    )


def _request(told: Told, made: ArtifactRef) -> RegistrationRequest:
    return RegistrationRequest(
        key=f"{told.run_id}/register/1",
        run_id=told.run_id,
        stage_id="register",
        pipeline=told.pipeline,
        ministry=told.ministry,
        use_class="administration",
        name=told.model,
        alias=told.alias,
        title=f"model {told.word}",
        model=made,
        source_uri=f"file:///{told.word}",
        card=f"# Card\n\n{told.word}",
        tags={"said": told.word},
    )
