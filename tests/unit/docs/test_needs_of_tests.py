"""What a machine lacks is a reason to leave a test out, and none in CI."""

from __future__ import annotations

from pathlib import Path

import pytest
import s3_server
from small_disks import small_disk

TESTS = Path(__file__).parents[2]


def without_s3(_folder: Path) -> None:
    s3_server.binary()


def without_a_disk(folder: Path) -> None:
    with small_disk(folder / "nowhere", 1):
        raise AssertionError("nothing can be mounted at a path that is not there")


@pytest.mark.parametrize("test", [without_s3, without_a_disk])
@pytest.mark.parametrize(("ci", "ends"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_test_that_lacks_something_is_skipped_but_for_ci(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, test: object, ci: str, ends: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setattr(s3_server, "program", lambda: None)
    with pytest.raises(ends, match="needs "):
        test(tmp_path)  # type: ignore[operator]


def test_nothing_that_ci_installs_is_left_out_by_a_skip_of_its_own() -> None:
    alone = [
        str(path.relative_to(TESTS))
        for path in TESTS.rglob("*.py")
        if 'skip("needs' in path.read_text() or 'skip(f"needs' in path.read_text()
    ]
    assert alone == [str(Path(__file__).relative_to(TESTS))]
