"""The file of signing keys: made once, its owner's alone, and rotated so that no token ends before its time."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.problems import BongsuError
from bongsu.identity.key_file import KeyFile
from bongsu.identity.key_ring import new_key, new_ring

LIFE_S = 600.0


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def ids(file: KeyFile) -> list[str]:
    return [one.id for one in file.ring().keys]


def test_the_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    first, second = (KeyFile(tmp_path / "keys.json", Clock(), LIFE_S) for _ in range(2))
    assert ids(first) == ids(second)
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_no_id_of_a_key_is_taken_for_an_option() -> None:
    """One in 64 would be, at random."""
    assert not [key.id for key in (new_key(0.0) for _ in range(1000)) if key.id.startswith("-")]


def test_what_is_published_has_nothing_private(tmp_path: Path) -> None:
    published = KeyFile(tmp_path / "keys.json", Clock(), LIFE_S).ring().published()
    assert [set(key) for key in published["keys"]] == [{"kty", "crv", "x", "y", "kid", "use", "alg"}]


def test_a_rotation_reaches_other_processes_and_keeps_the_old_key(tmp_path: Path) -> None:
    ours, theirs = (KeyFile(tmp_path / "keys.json", Clock(), LIFE_S) for _ in range(2))
    old = ours.ring().signing.id
    assert theirs.ring().signing.id == old
    ours.rotate()
    assert theirs.ring().signing.id != old
    assert theirs.ring().find(old, "ES256", 0) is not None


def test_a_key_goes_when_its_last_token_is_over(tmp_path: Path) -> None:
    clock = Clock()
    file = KeyFile(tmp_path / "keys.json", clock, LIFE_S)
    old = file.ring().signing.id
    file.rotate()
    clock.now += LIFE_S
    assert old in [one.id for one in file.rotate().keys]
    clock.now += 1
    assert old not in [one.id for one in file.rotate().keys]


@given(st.lists(st.floats(0, 2000), max_size=12))
def test_whenever_it_is_rotated_every_token_that_holds_finds_its_key(pauses: list[float]) -> None:
    now, ring = 0.0, new_ring(0.0)
    signed = [(ring.signing.id, now)]
    for pause in pauses:
        now += pause
        signed.append((ring.signing.id, now))
        ring = ring.rotated(now, LIFE_S)
        signed.append((ring.signing.id, now))
        known = {one.id for one in ring.keys}
        assert {key for key, at in signed if now < at + LIFE_S} <= known
        assert sum(one.retired_at is None for one in ring.keys) == 1


def test_a_key_in_wrong_hands_is_withdrawn_at_once(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json", Clock(), LIFE_S)
    old = file.ring().signing.id
    for key in (old, "unknown"):
        with pytest.raises(BongsuError, match=r"identity\.last-key"):
            file.withdraw(key)
    file.rotate()
    file.withdraw(old)
    assert file.ring().find(old, "ES256", 0) is None


def test_rotations_at_once_lose_no_key(tmp_path: Path) -> None:
    files = [KeyFile(tmp_path / "keys.json", Clock(), LIFE_S) for _ in range(6)]
    first = files[0].ring().signing.id
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda file: file.rotate(), files))
    assert len(set(ids(files[0]))) == 7
    assert ids(files[0])[0] == first


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o620, 0o601])
def test_a_file_that_others_get_at_is_not_used(tmp_path: Path, mode: int) -> None:
    file = KeyFile(tmp_path / "keys.json", Clock(), LIFE_S)
    file.ring()
    file.path.chmod(mode)
    with pytest.raises(BongsuError, match=r"others may get at it"):
        KeyFile(file.path, Clock(), LIFE_S).ring()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"keys": []}',
        '{"keys": [{"key": {}, "createdAt": 1, "retiredAt": null}]}',
        '{"keys": [{"key": {"kty": "EC"}, "createdAt": "x", "retiredAt": null}]}',
    ],
)
def test_a_damaged_file_is_told_and_not_replaced(tmp_path: Path, content: str) -> None:
    path = tmp_path / "keys.json"
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(BongsuError, match=r"identity\.key-file"):
        KeyFile(path, Clock(), LIFE_S).ring()
    assert path.read_text() == content


def test_a_public_key_in_the_file_signs_nothing(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "keys.json", Clock(), LIFE_S)
    file.ring()
    document = json.loads(file.path.read_text())
    del document["keys"][0]["key"]["d"]
    file.path.write_text(json.dumps(document))
    with pytest.raises(BongsuError, match=r"identity\.key-file"):
        KeyFile(file.path, Clock(), LIFE_S).ring()
