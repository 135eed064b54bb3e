"""A command that an engineer of one ministry submits to a server of several, which runs stages as its own account."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import httpx
from runbook_demonstration import Demonstration, await_until, demonstrated

PIPELINE = """\
apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {{name: looks-around, ministry: army}}
spec:
  purpose: {{useClass: administration, statement: Draft administrative documents}}
  stages:
    - name: looks
      uses: container
      with:
        command: [sh, -c, "{script}", sh, "{home}"]
"""
# Whatever fails, it goes on; what it reached is a line of two words.
SCRIPT = "; ".join(
    (
        "echo shell $$",
        "find $1 -type f 2>/dev/null | sed 's/^/found /'",
        "for f in $1/shared/issuer-keys.json $1/shared/bongsu.db; do head -c 1 $f >/dev/null && echo read $f; done",
        "for p in /proc/[0-9]*; do head -c 1 $p/environ >/dev/null 2>&1 && echo environ ${p#/proc/}; done",
        "echo done > $BONGSU_OUTPUTS/files/done",
    )
)
ENDS = ("succeeded", "failed", "cancelled")


def test_a_stage_of_one_ministry_reads_nothing_of_the_server_s(tmp_path: Path) -> None:
    with demonstrated(tmp_path) as server:
        assert (server.home / "shared" / "issuer-keys.json").is_file()
        script = SCRIPT.replace("${", "$${")
        text = PIPELINE.format(script=script, home=server.home)
        run = server.tell("army/engineer", "/v1/runs", {"text": text})["run"]["id"]
        await_until(lambda: state(server, run) in ENDS)
        reached = log(server, run)
        assert state(server, run) == "succeeded", reached
    (shell,) = reached.pop("shell")
    # Of what it started itself, the numbers come after its own.
    assert all(int(process) >= int(shell) for process in reached.pop("environ"))
    assert not reached


def state(server: Demonstration, run: str) -> str:
    return str(server.ask("army/engineer", f"/v1/runs/{run}")["run"]["state"])


def log(server: Demonstration, run: str) -> dict[str, list[str]]:
    """What was reached, by what it is."""
    headers = {"Authorization": f"Bearer {server.sign_in('army/engineer').access_token}"}
    path = f"/v1/runs/{run}/stages/looks/logs"
    answer = httpx.get(server.url + path, headers=headers, trust_env=False, timeout=30)
    assert answer.status_code == 200, answer.text
    reached = defaultdict[str, list[str]](list)
    for line in answer.text.splitlines():
        words = json.loads(line)["line"].split()
        if len(words) == 2:
            reached[words[0]].append(words[1])
    return reached
