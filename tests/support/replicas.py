"""Two replicas of a control plane that share a database, and a client that asks whichever answers."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import far_cluster
import httpx
from governed_places import STAFF, GovernedPlace
from loopback_issuer import LoopbackIssuer, running_issuer
from ports import free_port
from replica_nursery import write_shift
from simulated_executor import SimulatedCluster
from sqlalchemy import insert, select

from bongsu.artifacts.local import LocalStore
from bongsu.domain.capacity import Capacity
from bongsu.domain.ids import RunId
from bongsu.service.audit.keys import LogKeys, draw_site_key, load_keys
from bongsu.service.home import SITE_KEY
from bongsu.store.database import Database, open_database
from bongsu.store.schema_leadership import leadership
from bongsu.store.schema_people import subjects

SITE = "bongsu"
CAPACITY = Capacity(cpus=8, gpus=0, memory=16_000_000_000)
DEADLINE_S = 60.0
_SUPPORT = Path(__file__).parent
# What a client asks again for: nobody is there, or says that it is for the moment.
_FOR_NOW = (429, 502, 503, 504)
PIPELINE = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {{name: {name}, ministry: mnd}}
spec:
  purpose: {{useClass: administration, statement: Draft administrative documents}}
  stages:
    - {{name: a, uses: probe, with: {{text: "{name} a"}}}}
    - {{name: b, uses: probe, inputs: {{after: a.files}}, with: {{text: "{name} b"}}}}
"""


class Bearer(Protocol):
    """Begins replicas. ``shift`` is the file of their clocks."""

    @property
    def shift(self) -> Path: ...

    def bear(self, order: str) -> int:
        """Process id of a new one."""
        ...


class Nursery:
    """The process that replicas are forked from; they end with it."""

    def __init__(self, folder: Path) -> None:
        self.shift = folder / "shift"
        write_shift(self.shift, 0.0)
        environment = os.environ | {"PYTHONPATH": str(_SUPPORT)}
        command = [sys.executable, str(_SUPPORT / "replica_nursery.py"), str(self.shift)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._turn = threading.Lock()

    def bear(self, order: str) -> int:
        """Process id of a new replica."""
        with self._turn:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(f"{order}\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@dataclass
class Replica:
    """One server.

    Attributes:
        order: what is to be run, as a JSON document.
        pid: of its process; 0 while there is none.
    """

    bearer: Bearer
    name: str
    home: Path
    port: int
    log: Path
    order: str
    pid: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def start(self) -> None:
        self.pid = self.bearer.bear(self.order)

    def kill(self, how: signal.Signals = signal.SIGKILL, within_s: float = 20.0) -> None:
        """End it, and wait until it is gone."""
        pid, self.pid = self.pid, 0
        if _is_there(pid):
            os.kill(pid, how)
        deadline = time.monotonic() + within_s
        while _is_there(pid):
            assert time.monotonic() < deadline, f"{self.name} does not end: {self.said[-2000:]}"
            time.sleep(0.005)

    def send(self, what: signal.Signals) -> None:
        os.kill(self.pid, what)

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def await_ready(self) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not self.is_ready():
            assert time.monotonic() < deadline, f"{self.name} is not ready: {self.said[-4000:]}"
            time.sleep(0.02)


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@dataclass
class Answer:
    """What came of something that was asked for until there was an answer.

    Attributes:
        tries: how often it was sent.
        document: of the last answer.
    """

    status: int
    document: Any
    tries: int

    @property
    def is_done(self) -> bool:
        return self.status < 300

    @property
    def code(self) -> str:
        """Of a problem; empty if there is none."""
        found = self.document.get("code", "") if isinstance(self.document, dict) else ""
        return str(found)


@dataclass
class Site:
    """What a test has in its hands.

    Attributes:
        place: the seeds of the database, and a way to look at it that no fault reaches.
        url: of the database.
        home: that replicas share whatever is no database in.
        broken: answers of 500, which no fault excuses.
        checked: runs that were found to be right, with their versions.
        shift: how far, in seconds, the clocks of the replicas are ahead of the machine's.
    """

    place: GovernedPlace
    url: str
    home: Path
    bearer: Bearer
    issuer: LoopbackIssuer
    cluster: SimulatedCluster
    workers: far_cluster.Workers
    replicas: list[Replica]
    broken: list[str] = field(default_factory=list)
    checked: dict[RunId, int] = field(default_factory=dict)
    shift: float = 0.0

    @property
    def artifacts(self) -> LocalStore:
        """Of the ministry whose runs are driven."""
        return LocalStore(self.home / "artifacts" / "mnd")

    @property
    def keys(self) -> LogKeys:
        """That the audit logs are signed by."""
        return load_keys(str(self.home / SITE_KEY), {})

    @property
    def database(self) -> Database:
        return self.place.platform.database

    def leader(self) -> Replica | None:
        """The one that took the lead last, if it is there."""
        with self.database.read() as connection:
            holder = connection.execute(select(leadership.c.holder)).scalar() or ""
        pid = holder.partition(" ")[0]
        return next((one for one in self.replicas if str(one.pid) == pid), None)

    def await_leader(self) -> Replica:
        deadline = time.monotonic() + DEADLINE_S
        while (found := self.leader()) is None:
            assert time.monotonic() < deadline, "nobody leads"
            time.sleep(0.02)
        return found

    def set_clock(self, seconds: float) -> None:
        """Set the clocks of all replicas so far ahead of the machine's; back, if it is less than nothing."""
        self.shift = seconds
        write_shift(self.bearer.shift, seconds)

    def token(self, person: str) -> str:
        """One that begins now, by the clock of the replicas."""
        return self.issuer.token(person, time.time() + self.shift)

    def ask_once(
        self,
        replica: Replica,
        person: str,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 30.0,
    ) -> httpx.Response:
        """Raises httpx.HTTPError."""
        asked = {"Authorization": f"Bearer {self.token(person)}", "Accept-Language": "en", **(headers or {})}
        response = httpx.request(
            method, f"{replica.url}{path}", json=body, headers=asked, timeout=timeout_s, trust_env=False
        )
        if response.status_code == 500:
            self.broken.append(f"{method} {path}: {response.text[:500]}")
        return response

    def ask(
        self,
        person: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: Mapping[str, str] | None = None,
        number: str = "",
        chance: random.Random | None = None,
        within_s: float = DEADLINE_S,
    ) -> Answer:
        """Ask a replica, and again the same of any, until one answers something that holds.

        Args:
            number: what request ids begin with; each try adds its own number.
            chance: which replica is asked; the first one first if it is not given.
        """
        deadline, tries = time.monotonic() + within_s, 0
        while time.monotonic() < deadline:
            replica = chance.choice(self.replicas) if chance else self.replicas[tries % len(self.replicas)]
            tries += 1
            numbered = {"X-Request-Id": f"{number}.{tries:03d}"} if number else {}
            try:
                response = self.ask_once(replica, person, method, path, body, {**numbered, **(headers or {})})
            except httpx.HTTPError:
                time.sleep(0.02)
                continue
            if response.status_code in _FOR_NOW:
                time.sleep(0.05)
                continue
            document = response.json() if response.content else None
            return Answer(response.status_code, document, tries)
        raise AssertionError(f"nobody answered {method} {path} within {within_s} s")

    def submit(self, name: str, key: str = "", person: str = "kim", **options: Any) -> Answer:
        """A pipeline of two stages."""
        headers = {"Idempotency-Key": key} if key else {}
        body = {"text": PIPELINE.format(name=name)}
        return self.ask(person, "POST", "/v1/runs", body, headers=headers, **options)

    def run_id(self, answer: Answer) -> RunId:
        assert answer.is_done, answer
        return RunId(answer.document["run"]["id"])

    def await_end(self, run: RunId, *states: str, within_s: float = DEADLINE_S) -> str:
        """Until the run is in one of these states; in which."""
        deadline, state = time.monotonic() + within_s, ""
        while state not in states:
            assert time.monotonic() < deadline, f"{run} is {state}"
            answer = self.ask("kim", "GET", f"/v1/runs/{run}")
            state = str(answer.document["run"]["state"])
            time.sleep(0.05)
        return state


@contextmanager
def site_over(
    url: str,
    folder: Path,
    sow: Callable[[GovernedPlace], object] = GovernedPlace.permit_use,
    *,
    count: int = 2,
    seed: int = 4,
) -> Iterator[Site]:
    """Replicas over a database, begun and ready. Each has a home of its own, in which the artifacts are those that all
    share; so are the keys of the audit logs.

    Args:
        url: of a migrated database, or of a SQLite file for one replica.
        folder: for everything else.
        sow: puts what a test needs into the store, before anybody serves it.
        count: of replicas.
        seed: of what workers do when.
    """
    shared = folder / "shared"
    (shared / "artifacts" / "mnd").mkdir(parents=True)
    draw_site_key(shared / SITE_KEY, SITE)
    (folder / "artifacts").symlink_to(shared / "artifacts" / "mnd")  # where seeds lie, too
    database = open_database(url)
    with running_issuer() as issuer:
        place = GovernedPlace(folder, database, time.time())
        enter(place, issuer)
        sow(place)
        cluster = SimulatedCluster(LocalStore(shared / "artifacts" / "mnd"), CAPACITY, time.time)
        with far_cluster.served(cluster, folder / "cluster.sock", random.Random(seed)) as workers:
            nursery = Nursery(folder)
            replicas = [_replica(nursery, url, folder, shared, issuer.url, number) for number in range(count)]
            try:
                for one in replicas:
                    one.start()
                for one in replicas:
                    one.await_ready()
                yield Site(place, url, shared, nursery, issuer, cluster, workers, replicas)
            finally:
                nursery.close()
                database.close()


def enter(place: GovernedPlace, issuer: LoopbackIssuer) -> None:
    """Let the staff sign in under their names."""
    with place.platform.write() as connection:
        rows = [{"ministry": "mnd", "issuer": issuer.url, "subject": person, "person": person} for person in STAFF]
        connection.execute(insert(subjects), rows)


def _replica(nursery: Nursery, url: str, folder: Path, shared: Path, issuer: str, number: int) -> Replica:
    home = folder / f"replica-{number}"
    home.mkdir(mode=0o700, exist_ok=True)
    (home / "artifacts").symlink_to(shared / "artifacts")
    port = free_port()
    log = folder / f"replica-{number}.log"
    order = {
        "home": str(home),
        "database": None if url.startswith("sqlite") else url,
        "issuer": issuer,
        "audit": str(shared / SITE_KEY),
        "port": port,
        "cluster": str(folder / "cluster.sock"),
        "log": str(log),
    }
    return Replica(nursery, f"replica-{number}", home, port, log, json.dumps(order))
