"""What memory there is: that of the machine, or of the smallest control group around the process."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from bongsu.machine.memory import available_memory, total_memory

MIB = 1024 * 1024


@pytest.fixture
def groups(tmp_path: Path) -> tuple[Path, Path]:
    """A control group without a limit inside of one with 64 MiB, 24 of them used, 8 of these for files."""
    root, membership = tmp_path / "cgroup", tmp_path / "membership"
    membership.write_text("4:memory:/other\n0::/pod/container\n")
    for folder, limit in ((root / "pod", str(64 * MIB)), (root / "pod" / "container", "max")):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.max").write_text(f"{limit}\n")
        (folder / "memory.current").write_text(f"{24 * MIB}\n")
        (folder / "memory.stat").write_text(f"anon {16 * MIB}\ninactive_file {8 * MIB}\n")
    return root, membership


def test_the_smallest_limit_around_the_process_counts(groups: tuple[Path, Path]) -> None:
    assert total_memory(*groups) == 64 * MIB
    assert available_memory(*groups) == 48 * MIB


def test_without_a_limit_it_is_the_memory_of_the_machine(tmp_path: Path) -> None:
    assert total_memory(tmp_path, tmp_path / "none") == psutil.virtual_memory().total


def test_a_group_that_used_more_than_its_limit_has_nothing_left(groups: tuple[Path, Path]) -> None:
    (groups[0] / "pod" / "memory.current").write_text(f"{99 * MIB}\n")
    assert available_memory(*groups) == 0
