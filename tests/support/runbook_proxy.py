"""The proxy of docs/runbooks/install.md: Debian's nginx with the page's block, and nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bongsu.machine.processes import die_with_parent

NGINX = "/usr/sbin/nginx"
_WHOLE = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
{block}
}}
"""


@contextmanager
def proxied(block: str, folder: Path) -> Iterator[None]:
    """Until the end of the block; ``nginx -t`` looks at it before. Raises CalledProcessError for what it refuses."""
    folder.mkdir(exist_ok=True)
    file = folder / "nginx.conf"
    file.write_text(_WHOLE.format(folder=folder, block=block))
    command = [NGINX, "-e", str(folder / "nginx.log"), "-p", str(folder), "-c", str(file)]
    subprocess.run([*command, "-t", "-q"], check=True)
    process = subprocess.Popen(command, preexec_fn=die_with_parent)  # noqa: PLW1509 (one call of the C library)
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)
