"""What a server says while it starts is in the form that was asked for, on both of its outputs."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from ports import free_port

from bongsu.machine.processes import die_with_parent

START_S = 120.0


def started(home: Path, port: int, style: str) -> Iterator[str]:
    """Lines of both outputs of ``bongsu serve``, in the order in which they were written, until it is told to end."""
    command = [
        str(Path(sys.executable).with_name("bongsu")),
        "--lang",
        "en",
        "--home",
        str(home),
        "serve",
        "--no-lead",
    ]
    command += ["--port", str(port), "--log-format", style, "--issuer", "mnd=http://127.0.0.1:1"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 (one call of the C library, without a lock)
    ) as server:
        assert server.stdout is not None
        late = threading.Timer(START_S, server.kill)
        late.start()
        try:
            for line in server.stdout:
                yield line
                if str(port) in line:
                    server.terminate()
        finally:
            late.cancel()
            server.kill()


def test_each_line_of_a_log_as_json_is_json(tmp_path: Path) -> None:
    port = free_port()
    lines = [json.loads(line) for line in started(tmp_path, port, "json")]
    assert {"time", "level", "logger", "message"} <= set.intersection(*map(set, lines))
    (told,) = [line for line in lines if line.get("url")]
    assert (told["message"], told["url"]) == ("Listening.", f"http://127.0.0.1:{port}")


def test_a_log_as_text_goes_on_to_say_where(tmp_path: Path) -> None:
    port = free_port()
    assert f"Listening at http://127.0.0.1:{port}\n" in list(started(tmp_path, port, "text"))
