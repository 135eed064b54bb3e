"""docs/runbooks/install.md, followed word for word: a server that somebody signs in to through its proxy.

The site that all these tests share was installed so: the program from the lock file into a folder of its own, both
databases, settings, the first ministry, the unit (started by a stand-in of systemctl, see ``unit_keeper``; systemd
itself only reads it here) and nginx.
"""

from __future__ import annotations

import json
import stat

import httpx
from runbook_site import OPERATOR, Site, verified


def test_the_program_is_the_installed_one_and_not_the_copy_that_it_came_from(site: Site) -> None:
    home = site.folder / "opt" / "bongsu-0.1.0"
    assert "0.1.0" in site.bongsu.run("bongsu --version")
    place = site.bongsu.run(f"{home}/bin/python -c 'import bongsu; print(bongsu.__file__)'")
    assert place.startswith(str(home))
    assert stat.S_IMODE((site.home / "site.key").stat().st_mode) == 0o600


def test_systemd_takes_the_unit_as_it_is(site: Site) -> None:
    unit = site.units.folder / "bongsu@.service"
    assert verified(unit) == ""
    broken = site.folder / "broken@.service"
    broken.write_text(unit.read_text().replace("ProtectSystem=strict", "ProtectSystm=strict"))
    assert "ProtectSystm" in verified(broken)


def test_each_replica_has_metrics_of_its_own(site: Site) -> None:
    for port in site.ports:
        metrics = httpx.get(f"http://127.0.0.1:1{port}/metrics", trust_env=False)
        assert "bongsu_is_leader" in metrics.text


def test_the_operator_is_signed_in_through_the_proxy_and_strangers_are_not(site: Site) -> None:
    operator = site.at_own_machine("operator")
    assert json.loads(operator.run("bongsu whoami --json"))["id"] == "mnd/kim"
    assert f"https://{site.proxy}" in operator.run("bongsu context list")
    with httpx.Client(verify=str(site.folder / "nginx" / "bongsu.pem"), trust_env=False) as http:
        assert http.get(f"https://{site.proxy}/v1/me").status_code == 401
        headers = {"Authorization": f"Bearer {site.provider.token(OPERATOR)}"}
        assert http.get(f"https://{site.proxy}/v1/me", headers=headers).status_code == 200
