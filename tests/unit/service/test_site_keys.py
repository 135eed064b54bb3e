"""The key of a server: drawn once under the site's name, read anew each time, and the same in every replica."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from api_places import ApiPlace

from bongsu.domain.problems import BongsuError
from bongsu.domain.signed_notes import SigningKey
from bongsu.domain.tenants import Tenant
from bongsu.service.audit.checkpoints import refuse_other_keys, sign
from bongsu.service.audit.keys import LogKeys, begin_rotation, site_keys
from bongsu.service.home import SITE_KEY
from bongsu.service.serving import ServerSettings, open_served

SITE = "bongsu.mnd.example"
MND = Tenant("mnd")


def codes_of(call: object, *args: object) -> list[str]:
    with pytest.raises(BongsuError) as caught:
        call(*args)  # type: ignore[operator]
    return [problem.code.name for problem in caught.value.problems]


def test_it_is_drawn_once_under_the_sites_name_and_read_anew(tmp_path: Path) -> None:
    drawn = site_keys(tmp_path, SITE, "", {})
    assert drawn.origin(MND) == f"{SITE}/mnd"
    assert site_keys(tmp_path, SITE, "", {}) == drawn
    assert (tmp_path / SITE_KEY).stat().st_mode & 0o777 == 0o600
    begin_rotation(tmp_path / SITE_KEY)
    assert len(site_keys(tmp_path, SITE, "", {}).keys) == 2


def test_a_key_that_is_given_is_the_one_that_signs(tmp_path: Path) -> None:
    key = SigningKey(SITE, bytes(range(32)))
    assert site_keys(tmp_path, SITE, "env:KEY", {"KEY": key.secret()}).keys == (key,)
    assert not (tmp_path / SITE_KEY).exists()


@pytest.mark.parametrize(
    ("site", "secret", "code"),
    [
        ("bongsu.dapa.example", SigningKey(SITE, bytes(32)).secret(), "audit.other-site"),
        (SITE, "", "audit.key-unreadable"),
        ("a name with blanks", None, "audit.key-unreadable"),
    ],
)
def test_a_key_that_cannot_sign_here_is_refused(tmp_path: Path, site: str, secret: str | None, code: str) -> None:
    source = "" if secret is None else "env:KEY"
    assert codes_of(site_keys, tmp_path, site, source, {"KEY": secret or ""}) == [code]


def test_a_replica_with_a_key_of_its_own_does_not_begin(tmp_path: Path) -> None:
    place = ApiPlace(tmp_path)
    place.permit_use()
    base = place.plane.base
    first, own = (LogKeys((SigningKey(SITE, bytes([number]) * 32),)) for number in (1, 2))
    refuse_other_keys(base, own)
    sign(base, first, MND)
    refuse_other_keys(base, first)
    assert codes_of(refuse_other_keys, base, own) == ["audit.other-key"]
    refuse_other_keys(base, LogKeys((*own.keys, *first.keys)))
    renamed = LogKeys((replace(own.keys[0], name="bongsu.new.example"),))
    refuse_other_keys(base, renamed)
    place.close()


def test_a_server_signs_with_the_key_that_it_is_given_under_its_sites_name(tmp_path: Path) -> None:
    key = SigningKey(SITE, bytes(range(32)))
    path = tmp_path / "key"
    path.write_text(key.secret())
    path.chmod(0o600)
    home = tmp_path / "home"
    settings = ServerSettings(home, site=SITE, leads=False, mlflow=False, audit_key=str(path))
    with open_served(settings, {}) as served:
        assert served.plane.log_keys().keys == (key,)
    with pytest.raises(BongsuError, match=r"audit\.other-site"), open_served(replace(settings, site="x"), {}):
        pass
