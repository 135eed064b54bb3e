"""Signing keys: files for their owner alone, references to secrets, rotation that survives being interrupted."""

from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.domain.problems import BongsuError
from bongsu.domain.signed_notes import SigningKey
from bongsu.domain.tenants import HOME, Tenant
from bongsu.service.audit.keys import begin_rotation, end_rotation, home_keys, load_keys
from bongsu.service.home import AUDIT_KEY

FIRST, SECOND = (SigningKey("bongsu.example", bytes([number]) * 32) for number in (1, 2))


def code_of(source: str, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(BongsuError) as caught:
        load_keys(source, environment or {})
    said = str(caught.value)
    assert FIRST.secret()[30:-4] not in said, "no secret in an error"
    return caught.value.problems[0].code.name


def test_a_home_draws_its_key_once_with_a_name_of_its_own(tmp_path: Path) -> None:
    drawn = home_keys(tmp_path)
    assert home_keys(tmp_path) == drawn
    assert (tmp_path / AUDIT_KEY).stat().st_mode & 0o777 == 0o600
    other = tmp_path / "other"
    assert home_keys(other).site != drawn.site
    assert drawn.origin(HOME) == drawn.site
    assert drawn.origin(Tenant("mnd")) == f"{drawn.site}/mnd"


def test_keys_come_from_a_variable_that_holds_a_secret() -> None:
    environment = {"AUDIT_KEY": f"{FIRST.secret()}\n{SECOND.secret()}\n"}
    assert load_keys("env:AUDIT_KEY", environment).keys == (FIRST, SECOND)
    assert code_of("env:OTHER", environment) == "audit.key-unreadable"


def test_a_key_that_others_could_have_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(FIRST.secret())
    path.chmod(0o640)
    assert code_of(str(path)) == "audit.key-open"
    path.chmod(0o600)
    assert load_keys(str(path), {}).keys == (FIRST,)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not a key",
        str(FIRST.public()),
        FIRST.secret()[:-8],
        FIRST.secret() + "\n" + SigningKey("other.example", bytes(32)).secret(),
        "\udcff",
    ],
)
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    path.chmod(0o600)
    assert code_of(str(path)) == "audit.key-unreadable"
    assert code_of(str(tmp_path / "absent")) == "audit.key-unreadable"


def test_a_rotation_that_was_interrupted_is_gone_on_with(tmp_path: Path) -> None:
    old = home_keys(tmp_path)
    path = tmp_path / AUDIT_KEY
    both = begin_rotation(path)
    assert both.keys[1:] == old.keys
    assert both.site == old.site
    assert begin_rotation(path) == both
    assert end_rotation(path).keys == both.keys[:1]
    assert load_keys(str(path), {}).keys == both.keys[:1]
    assert path.stat().st_mode & 0o777 == 0o600
