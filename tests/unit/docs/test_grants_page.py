"""The example of docs/grants.md, run through the control plane; its figures are the page's."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from grant_places import GRANT, gpu_stage, order, paid_plan
from service_places import CAPACITY, Place, drive

from bongsu.domain.grants import balance, hours_text
from bongsu.domain.ids import AttemptId
from bongsu.policy.weak_use import THRESHOLDS
from bongsu.service.grants.giving import adjust, give
from bongsu.service.grants.looking import recount_grant, show_grant
from bongsu.service.owner import OWNER
from bongsu.service.submitting import submit

PAGE = Path(__file__).parents[3] / "docs" / "grants.md"
MINUTES = {"adapt/1": 30, "adapt/2": 165, "check/1": 36}


def test_the_example_comes_out_as_the_page_has_it(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.cluster.capacity = replace(CAPACITY, gpus=8)

    def fate(attempt: AttemptId) -> None:
        place.cluster.start(attempt)
        name = f"{attempt.stage_id}/{attempt.number}"
        place.now += MINUTES[name] * 60
        (place.cluster.lose if name == "adapt/1" else place.cluster.succeed)(attempt)

    place.fate = fate
    give(place.platform, OWNER, order())
    adapt = gpu_stage("adapt", hours=12, gpus=4, retries=1)
    check = gpu_stage("check", "adapt", hours=None, gpus=1, timeout=7200)
    drive(place.platform, [submit(place.platform, paid_plan(adapt, check)).run.id])
    adjust(place.platform, OWNER, GRANT, 2.0, "The worker that was lost was not their fault.")
    entries = show_grant(place.platform, OWNER, GRANT).entries
    found = []
    for entry in entries:
        has = balance(one.entry for one in entries[: entry.position])
        figures = (entry.gpu_ms, has.given, has.used, has.reserved, has.available)
        found.append((str(entry.position), entry.kind.value, *map(hours_text, figures)))
    rows = re.findall(r"^\| (\d+) \| (\w+) \|" + r" ([\d.]+) \|" * 5 + "$", PAGE.read_text(), re.M)
    assert found == rows
    assert len(rows) == 7
    assert recount_grant(place.platform, OWNER, GRANT).differing == ()
    place.close()


def test_the_thresholds_are_those_of_the_page() -> None:
    text = " ".join(PAGE.read_text().split())
    assert (THRESHOLDS.window_share, THRESHOLDS.behind_share, THRESHOLDS.fruitless_share) == (0.25, 0.25, 0.5)
    assert f"at least {THRESHOLDS.fruitless_least // 3_600_000} GPU-hours" in text
    assert f"nothing for {THRESHOLDS.silent_seconds / 3600:g} hours" in text
    assert f"at least {THRESHOLDS.notice_seconds / 86_400:g} days before" in text
