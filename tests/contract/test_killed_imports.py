"""A process that takes a bundle in is killed at any of its steps: nothing of the model is there by half, no byte of it
is there without its label, and the next one who takes it in finds no hindrance."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from bundle_places import HERE, Giver, named, take, taker
from governed_places import GovernedPlace
from sqlalchemy import select
from store_places import open_at

from bongsu.artifacts.local import LocalStore
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.service.model_bundles.importing import import_bundle
from bongsu.store.artifacts import find_owned
from bongsu.store.schema import nodes
from bongsu.store.schema_audit import audit_entries

LABEL = Label.parse("S/logistics")
# What changes a disk, of what Python tells its audit hooks.
STEPS = {"open", "os.rename", "os.mkdir", "os.remove", "os.chmod", "os.rmdir", "shutil.rmtree", "sqlite3.connect"}
MOST = 400


def killed_at(house: GovernedPlace, file: Path, step: int) -> bool:
    """Whether a process that takes it in has so many steps; it is killed at that one."""
    platform = taker(house, clearance="C/logistics")
    child = os.fork()
    if child == 0:
        seen = 0

        def hook(event: str, _args: object) -> None:
            nonlocal seen
            seen += event in STEPS
            if event in STEPS and seen > step:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            # Nothing that the parent has open: databases and locks are of one process.
            store = LocalStore(house.folder / "artifacts")
            there = replace(platform, database=open_at(house.folder), stores=lambda _tenant: store)
            sys.addaudithook(hook)
            import_bundle(there, file, named(), HERE)
        except BaseException:
            os._exit(9)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def imports(house: GovernedPlace) -> int:
    """How often the log says that it was taken in."""
    query = select(audit_entries.c.entry).where(audit_entries.c.action == "model.import")
    with house.platform.read() as connection:
        return sum('"done"' in entry for entry in connection.execute(query).scalars())


def look(house: GovernedPlace, model: Digest) -> bool:
    """Whether it came in, as the lineage has it; what there is of it is whole, and carries its label."""
    with taker(house).read() as connection:
        known = find_owned(connection, model)
        came = connection.execute(select(nodes.c.id).where(nodes.c.id.startswith("input:bundle:"))).scalars().all()
    is_there = house.platform.artifacts.has(model)
    if is_there:
        house.platform.artifacts.reader(model).verify()
        assert known is not None, "bytes without a label"
    assert known is None or Label.parse(known.label).dominates(LABEL)
    assert len(came) == imports(house)
    assert is_there or not came
    return bool(came)


@pytest.fixture
def house(tmp_path: Path) -> GovernedPlace:
    (tmp_path / "house").mkdir()
    return GovernedPlace(tmp_path / "house")


def test_whoever_is_killed_leaves_nothing_by_half(house: GovernedPlace, tmp_path: Path) -> None:
    (tmp_path / "giver").mkdir()
    giver = Giver(tmp_path / "giver", LABEL)
    file = giver.bundle(tmp_path / "axk1.bundle")
    came, steps = [], 0
    # Each goes on where the one before was killed, one step further.
    while killed_at(house, file, steps):
        came.append(look(house, giver.model))
        steps += 1
        assert steps < MOST
    assert steps > 20
    assert came == sorted(came), "what came in stays"
    assert look(house, giver.model)
    assert imports(house) == 1
    assert not take(house, file, clearance="C/logistics").created
    assert [path.name for path in (house.folder / "artifacts" / "staging").iterdir() if path.is_dir()] == []
    giver.close()
    house.close()
