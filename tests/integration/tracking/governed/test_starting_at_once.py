"""Replicas that start at once on an empty database of MLflow's."""

from __future__ import annotations

import sys
from pathlib import Path

from at_once import run_at_once
from postgres_server import running_server

START = """
import sys
from bongsu.artifacts.local import LocalStore
from bongsu.tracking.governed.settings import GovernedSettings

settings = GovernedSettings(sys.argv[1], sys.argv[2], lambda tenant: LocalStore(sys.argv[2]))
from bongsu.tracking.governed.publisher import open_publisher

print("ready", flush=True)
sys.stdin.readline()
with open_publisher(settings):
    print("open", flush=True)
    sys.stdin.readline()
"""


def test_one_makes_the_tables_and_the_others_find_them(tmp_path: Path) -> None:
    with running_server() as server:
        url = server.new_database(migrated=False)
        run_at_once([sys.executable, "-c", START, url, tmp_path.as_uri()], 2)
