"""A server as docs/runbooks/install.md has it installed, word for word, for the runbooks that begin where it ends."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from live_api import sign_in
from loopback_issuer import LoopbackIssuer, running_issuer
from offline_packages import ROOT, package_settings
from ports import free_port
from postgres_server import OWNER, PASSWORD, PostgresServer, running_server
from private_authority import loopback_certificate
from runbook_proxy import NGINX, proxied
from runbook_steps import INSTALL, Block, Reader
from unit_keeper import UnitKeeper, keeping_units

from bongsu.domain.documents import iso_time

ROLE_PASSWORD = "demo"
OPERATOR = "kim"
READY_S, CHANGE_S = 60.0, 120.0
YEAR_S = 365 * 86_400.0
# What it takes besides PostgreSQL.
NEEDED = (NGINX, "/usr/bin/systemd-analyze")
PIPELINE = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {{name: {name}, ministry: mnd}}
spec:
  purpose: {{useClass: administration, statement: Draft administrative documents}}
  stages:
    - name: a
      uses: container
      with: {{command: [sh, -c, "{command}"]}}
"""
_COPIED = ("platform", "pipelines", "pyproject.toml", "requirements.lock", "README.md", "LICENSE")
# The real one, on lists of users of its own. Who may not change owners of files may not make users either.
_USERADD = """\
#!/bin/sh
[ "$(id -u)" = 0 ] || exit 0
exec /usr/sbin/useradd --prefix {root} "$@"
"""


class Site:
    """Attributes:
    postgres: where its databases are.
    provider: who signs its people in.
    units: what its systemd starts.
    folder: for all that lies in files.
    names: what pages call things, and what these are here.
    followed: blocks that were followed since the test began.
    """

    def __init__(self, postgres: PostgresServer, provider: LoopbackIssuer, units: UnitKeeper, folder: Path) -> None:
        self.postgres, self.provider, self.units, self.folder = postgres, provider, units, folder
        self.home, self.backups, self.source = folder / "home", folder / "backups", folder / "source"
        self.ports = (_port_and_metrics(), _port_and_metrics())
        self.proxy = f"127.0.0.1:{free_port()}"
        self.followed: list[Block] = []
        self._numbers = itertools.count()
        self.names = {
            "/etc/bongsu": str(folder / "etc"),
            "/etc/systemd/system": str(units.folder),
            "/etc/nginx": str(folder / "nginx"),
            "/opt/bongsu": str(folder / "opt" / "bongsu"),
            "/opt/bongsu-0.1.0": str(folder / "opt" / "bongsu-0.1.0"),
            "/usr/local/bin": str(folder / "bin"),
            "/var/lib/bongsu": str(self.home),
            "/srv/backup": str(self.backups),
            "db.example.mil:5432": postgres.address,
            "PASSWORD": ROLE_PASSWORD,
            "https://login.example.mil": provider.url,
            "bongsu.example.mil": self.proxy,
            "443": self.proxy.rpartition(":")[2],
            "8700": str(self.ports[0]),
            "8710": str(self.ports[1]),
            "7f3c9a": OPERATOR,
        }
        for made in ("etc", "opt", "bin"):
            (folder / made).mkdir()
        _copy_program(self.source)
        path = os.pathsep.join([str(folder / "bin"), str(folder / "tools"), os.environ["PATH"]])
        self.environment = {
            "PATH": path,
            "BONGSU_LANG": "en",
            "SSL_CERT_FILE": str(folder / "nginx" / "bongsu.pem"),
        }

    @property
    def bongsu(self) -> Reader:
        """The user of that name."""
        return self.reader(self.folder, {})

    @property
    def root(self) -> Reader:
        """The superuser of the machine, in a copy of the program."""
        return self.reader(self.source, package_settings(_made(self.folder / "wheels")))

    @property
    def superuser(self) -> Reader:
        """Of PostgreSQL."""
        host, _, port = self.postgres.address.partition(":")
        settings = {
            "PGHOST": host,
            "PGPORT": port,
            "PGUSER": OWNER,
            "PGPASSWORD": PASSWORD,
            "PGDATABASE": "postgres",
        }
        return self.reader(self.folder, settings)

    def person(self, name: str, ministry: str = "mnd") -> Reader:
        """At a machine of their own, where they are signed in."""
        folder = _made(self.folder / "people" / name)
        sign_in(folder / "settings", self.url, self.provider.token(name), ministry)
        return self.at_own_machine(name)

    def at_own_machine(self, name: str) -> Reader:
        """Before they signed in."""
        folder = _made(self.folder / "people" / name)
        return self.reader(folder, {"XDG_CONFIG_HOME": str(folder / "settings"), "HOME": str(folder)})

    def reader(self, folder: Path, settings: dict[str, str]) -> Reader:
        return Reader(folder, self.names, {**self.environment, **settings}, self.followed)

    @property
    def url(self) -> str:
        """Of the first replica."""
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def settings(self) -> dict[str, str]:
        lines = (self.folder / "etc" / "server.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def replicas(self) -> list[str]:
        return [f"bongsu@{port}" for port in self.ports]

    def await_ready(self, ports: Sequence[int] = ()) -> None:
        """These replicas, all if none are given."""
        deadline = time.monotonic() + READY_S
        for port in ports or self.ports:
            unit = f"bongsu@{port}"
            while not _is_ready(port):
                assert time.monotonic() < deadline, self.units.log(unit)[-3000:]
                assert self.units.runs(unit), self.units.log(unit)[-3000:]
                time.sleep(0.1)

    def ask(self, name: str, path: str, status: int = 200) -> Any:
        headers = {"Authorization": f"Bearer {self.provider.token(name)}"}
        answer = httpx.get(self.url + path, headers=headers, trust_env=False, timeout=30)
        assert answer.status_code == status, answer.text
        return answer.json()

    def tell(self, name: str, path: str, document: Mapping[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self.provider.token(name)}"}
        answer = httpx.post(self.url + path, json=document, headers=headers, trust_env=False, timeout=30)
        assert answer.is_success, answer.text
        return answer.json()

    def await_state(self, run: str, *states: str) -> None:
        deadline = time.monotonic() + CHANGE_S
        while (state := self.ask("engineer", f"/v1/runs/{run}")["run"]["state"]) not in states:
            assert time.monotonic() < deadline, state
            assert state in ("pending", "running", "cancelling"), state
            time.sleep(0.2)

    def submit(self, name: str, command: str, given: str = "") -> str:
        """The id of a run of one stage, a command of the shell, by the engineer.

        Args:
            name: of the pipeline.
            command: without double quotes.
            given: what it takes, as of a pipeline's ``inputs``, e.g. ``{model: "models:/axk1/1"}``.
        """
        engineer = self.person("engineer")
        text = PIPELINE.format(name=name, command=command)
        if given:
            text += f"      inputs: {{files: [inputs.given]}}\n  inputs: {{given: {given}}}\n"
        (engineer.folder / "pipeline.yaml").write_text(text)
        found: str = json.loads(engineer.run("bongsu submit pipeline.yaml --json"))["runId"]
        return found

    @contextmanager
    def run_under_way(self, name: str, given: str = "") -> Iterator[str]:
        """A run that goes on until the end of the block, and comes to its end then."""
        sign = self.folder / f"{name}-{next(self._numbers)}-may-end"
        waits = f"until [ -e {sign} ]; do sleep 0.1; done"
        run = self.submit(name, f"{waits}; echo {name} > $BONGSU_OUTPUTS/files/a.txt", given)
        try:
            self.await_attempt(run)
            yield run
        finally:
            sign.touch()

    def await_attempt(self, run: str) -> None:
        """Until a worker of it is at work."""
        deadline = time.monotonic() + CHANGE_S
        while (stage := self.ask("engineer", f"/v1/runs/{run}")["stages"][0])["state"] != "running":
            assert time.monotonic() < deadline, stage
            assert stage["state"] in ("waiting", "ready"), stage
            time.sleep(0.2)

    def install(self) -> None:
        """Everything in the page but the proxy and what follows."""
        self.root.follow(INSTALL, "program")
        self.superuser.follow(INSTALL, "databases", f"{ROLE_PASSWORD}\n" * 2)
        settings = self.folder / "etc" / "server.env"
        settings.write_text(self.bongsu.text(INSTALL, "settings"))
        settings.chmod(0o600)
        self.bongsu.follow(INSTALL, "first ministry")
        (self.units.folder / "bongsu@.service").write_text(self.root.text(INSTALL, "unit"))
        self.root.follow(INSTALL, "start")

    @contextmanager
    def behind_proxy(self) -> Iterator[None]:
        block = self.root.text(INSTALL, "nginx")
        folder = _made(self.folder / "nginx")
        public, private = loopback_certificate(folder)
        public.rename(folder / "bongsu.pem")
        private.rename(folder / "bongsu.key")
        with proxied(block, folder):
            yield


@contextmanager
def installed_site(folder: Path) -> Iterator[Site]:
    """A site with a ministry, its operator and two replicas behind a proxy; all of it ends with the block."""
    tools = _made(folder / "tools")
    users = _made(folder / "users" / "etc")
    for name in ("passwd", "group", "shadow", "gshadow"):
        (users / name).touch()
    command = tools / "useradd"
    command.write_text(_USERADD.format(root=users.parent))
    command.chmod(0o755)
    with (
        running_server() as postgres,
        running_issuer() as provider,
        keeping_units(_made(folder / "units"), _made(folder / "logs"), folder / "home", tools) as units,
    ):
        site = Site(postgres, provider, units, folder)
        site.install()
        with site.behind_proxy():
            site.bongsu.follow(INSTALL, "looks")
            provider.confirms = OPERATOR
            site.at_own_machine("operator").follow(INSTALL, "operator")
            _staff(site)
            yield site


def _staff(site: Site) -> None:
    """Somebody in each role, by the operator, and a permitted use."""
    for role in ("engineer", "data-custodian", "approver", "accreditor", "auditor"):
        person = {"id": f"mnd/{role}", "name": role, "issuer": site.provider.url, "subject": role, "clearance": "S"}
        person["reason"] = "Vetted"
        site.tell(OPERATOR, "/v1/people", person)
        site.tell(OPERATOR, f"/v1/people/mnd/{role}/roles/give", {"ministry": "mnd", "role": role})
    now = iso_time(time.time())
    use = {"ministry": "mnd", "useClass": "administration", "statement": "Draft administrative documents"}
    use |= {"tier": "I", "conditions": "", "owner": "mnd/kim", "evidence": "https://example.mil/a"}
    site.tell(
        "accreditor",
        "/v1/uses",
        {**use, "evidenceAt": now, "beginsAt": now, "endsAt": iso_time(time.time() + YEAR_S)},
    )


def _copy_program(target: Path) -> None:
    target.mkdir()
    for name in _COPIED:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(place, target / name)


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _port_and_metrics() -> int:
    """A free port of four digits, whose metrics, at 1 and the port, are free too."""
    # Anywhere, as another run of these tests may be looking for one at the same moment.
    for port in random.sample(range(2000, 10_000), 1000):
        try:
            for one in (port, 10_000 + port):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", one))
        except OSError:
            continue
        if port not in _TAKEN:
            _TAKEN.add(port)
            return port
    raise RuntimeError("no port is free")


_TAKEN: set[int] = set()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def lacking() -> list[str]:
    """Programs that are not installed here."""
    return [program for program in NEEDED if not Path(program).exists()]


def verified(unit: Path) -> str:
    """What systemd has to say of a unit file, and of nothing else on this machine; empty if it takes it."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return f"{done.stdout}{done.stderr}" if done.returncode or unit.name in done.stderr else ""
