"""Two processes that add to one log are killed at random moments: nothing that was acknowledged is lost, nothing is
there by half, and the tree is clean."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from audit_places import MND, Logs, auditor
from small_plans import plan_of, stage
from sqlalchemy import text
from store_places import submitted

from bongsu.domain.ids import RunId
from bongsu.service.audit.checking import check_log

RUNS = (RunId("r-000000000001"), RunId("r-000000000002"))
ROUNDS = 3
SUPPORT = Path(__file__).parents[2] / "support"


class Writer:
    """One such process, and how many entries it said were written."""

    def __init__(self, url: str, run: RunId) -> None:
        environment = os.environ | {"PYTHONPATH": str(SUPPORT)}
        command = [sys.executable, str(SUPPORT / "audit_writer.py"), url, run]
        self.acknowledged = 0
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.endswith(b"\n"):
                self.acknowledged += 1

    def kill(self) -> int:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._reader.join()
        return self.acknowledged


def test_writers_that_are_killed_leave_a_clean_tree(logs: Logs) -> None:
    chance = random.Random(20)
    acknowledged: Counter[str] = Counter()
    for number, run in enumerate(RUNS):
        submitted(logs.database, run, plan_of(stage(f"s{number}")))
    url = logs.database.engine.url.render_as_string(hide_password=False)
    for _ in range(ROUNDS):
        writers = [Writer(url, run) for run in RUNS]
        deadline = time.monotonic() + 60
        while not all(writer.acknowledged for writer in writers) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.15))
        for run, writer in chance.sample(list(zip(RUNS, writers, strict=True)), 2):
            acknowledged[run] += writer.kill()
            check_log(logs.platform, auditor(), MND)
    with logs.database.read() as connection:
        rows = {
            run: connection.execute(text(f"SELECT count(*) FROM run_events WHERE run_id = '{run}'")).scalar_one()
            for run in RUNS
        }
    assert all(acknowledged[run] > ROUNDS for run in RUNS), acknowledged
    assert all(acknowledged[run] <= rows[run] <= acknowledged[run] + ROUNDS for run in RUNS), (acknowledged, rows)
    assert check_log(logs.platform, auditor(), MND).size == sum(rows.values()), "each change has its entry"
