"""docs/runbooks/upgrade.md, followed word for word: to a version of the same schema and back from one of a newer."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from runbook_site import OPERATOR, Site
from runbook_steps import Reader

from bongsu import __version__
from bongsu.store.database import HEAD_REVISION

PAGE = "upgrade.md"
NEXT_REVISION = f"{int(HEAD_REVISION) + 1:04}"
MIGRATION = f"""\
\"\"\"What a later version has besides.\"\"\"

import sqlalchemy as sa
from alembic import op

revision = "{NEXT_REVISION}"
down_revision = "{HEAD_REVISION}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ministries", sa.Column("motto", sa.String(200)))


def downgrade() -> None:
    op.drop_column("ministries", "motto")
"""


def test_to_a_version_of_the_same_schema_one_replica_after_the_other_and_nobody_is_refused(site: Site) -> None:
    superuser, bongsu = _upgrading(site, "1.8.0", _copied(site, "1.8.0"))
    superuser.follow(PAGE, "new version")
    assert f"Schema {HEAD_REVISION}; this version of Bongsu needs {HEAD_REVISION}." in bongsu.follow(PAGE, "look")
    with site.run_under_way("over-an-upgrade") as run, _asked_all_the_while(site) as answers:
        superuser.follow(PAGE, "rolling")
    assert set(answers) == {200}
    assert len(answers) > 20
    site.await_state(run, "succeeded")
    bongsu.follow(PAGE, "after")
    assert "1.8.0" in bongsu.run("bongsu --version")
    assert {_version(port) for port in site.ports} == {"1.8.0"}


def test_over_a_change_of_the_schema_and_back_again(site: Site) -> None:
    _installed(site, "1.9.0")
    superuser, bongsu = _upgrading(site, "1.9.0", site.folder)
    done = site.submit("before-an-upgrade", "echo kept > $BONGSU_OUTPUTS/files/a.txt")
    site.await_state(done, "succeeded")
    told = site.ask("engineer", f"/v1/runs/{done}")
    looked = bongsu.follow(PAGE, "look")
    assert f"Schema {HEAD_REVISION}; this version of Bongsu needs {NEXT_REVISION}." in looked
    superuser.follow(PAGE, "stop")
    assert "every row can be read" in bongsu.follow(PAGE, "migrate")
    with pytest.raises(AssertionError, match=r"run\.newer-database"):
        bongsu.run(f"set -a; . etc/server.env; {site.names['/opt/bongsu-0.1.0']}/bin/bongsu database check")
    superuser.follow(PAGE, "start")
    assert f"Schema {NEXT_REVISION}" in bongsu.follow(PAGE, "after")
    assert {_version(port) for port in site.ports} == {"1.9.0"}
    assert site.ask("engineer", f"/v1/runs/{done}") == told
    since = site.submit("after-an-upgrade", "echo new > $BONGSU_OUTPUTS/files/a.txt")
    site.await_state(since, "succeeded")

    superuser.follow(PAGE, "stop again")
    assert f"Schema {HEAD_REVISION}" in bongsu.follow(PAGE, "down")
    superuser.follow(PAGE, "old version")
    assert {_version(port) for port in site.ports} == {__version__}
    assert site.ask("engineer", f"/v1/runs/{done}") == told
    site.ask("engineer", f"/v1/runs/{since}")
    site.person("auditor").run("bongsu audit verify")


def _copied(site: Site, version: str) -> Path:
    """A copy of a later version of the same schema."""
    source = site.folder / f"source-{version}"
    shutil.copytree(site.source, source)
    _rewrite(source / "pyproject.toml", f'\nversion = "{__version__}"', f'\nversion = "{version}"')
    _rewrite(source / "platform" / "bongsu" / "__init__.py", __version__, version)
    return source


def _installed(site: Site, version: str) -> Path:
    """A later version, with another migration, as the page's first block would have it; the other test follows that."""
    old, new = Path(site.names["/opt/bongsu-0.1.0"]), site.folder / "opt" / f"bongsu-{version}"
    shutil.copytree(old, new, symlinks=True, copy_function=os.link)
    _rewrite(new / "bin" / "bongsu", str(old), str(new))
    (package,) = new.glob("lib/python*/site-packages/bongsu")
    _rewrite(package / "__init__.py", __version__, version)
    (package / "store" / "migrations" / "versions" / f"{NEXT_REVISION}_motto.py").write_text(MIGRATION)
    _rewrite(package / "store" / "database.py", f'"{HEAD_REVISION}"', f'"{NEXT_REVISION}"')
    return new


def _rewrite(file: Path, old: str, new: str) -> None:
    """In a file of its own, whatever other names it had."""
    text, mode = file.read_text(), file.stat().st_mode
    assert old in text
    file.unlink()
    file.write_text(text.replace(old, new))
    file.chmod(mode)


def _upgrading(site: Site, version: str, folder: Path) -> tuple[Reader, Reader]:
    """The superuser in this folder, and the user ``bongsu``, who call the versions by their names."""
    names = {
        **site.names,
        "/opt/bongsu-1.3": str(site.folder / "opt" / f"bongsu-{version}"),
        "/opt/bongsu-1.2": site.names["/opt/bongsu-0.1.0"],
        "0011": HEAD_REVISION,
    }
    root = site.root
    return Reader(folder, names, root.environment, root.followed), site.bongsu.called(names)


@contextmanager
def _asked_all_the_while(site: Site) -> Iterator[list[int]]:
    """What the proxy answers meanwhile; 0 where it does not."""
    answers: list[int] = []
    ends = threading.Event()
    headers = {"Authorization": f"Bearer {site.provider.token(OPERATOR)}"}

    def ask() -> None:
        with httpx.Client(verify=str(site.folder / "nginx" / "bongsu.pem"), trust_env=False, timeout=60) as http:
            while not ends.wait(0.1):
                try:
                    answers.append(http.get(f"https://{site.proxy}/v1/me", headers=headers).status_code)
                except httpx.TransportError:
                    answers.append(0)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        ends.set()
        thread.join()


def _version(port: int) -> str:
    return str(httpx.get(f"http://127.0.0.1:{port}/v1/server", trust_env=False).json()["version"])
