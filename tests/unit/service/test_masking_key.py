"""The key of masked values is drawn once for a home."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bongsu.service.embedded import lasting_key


def test_all_who_come_at_once_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: lasting_key(tmp_path / "home" / "masking.key"), range(32)))
    assert len(keys) == 1
    assert len(keys.pop()) == 64


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    lasting_key(tmp_path / "masking.key")
    assert stat.S_IMODE((tmp_path / "masking.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["masking.key"]
