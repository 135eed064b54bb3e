"""kubectl, for what is done with a cluster by hand and while it comes up."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CALL_S = 120.0


class Refused(subprocess.CalledProcessError):
    """A call of kubectl did not do what it was asked for; its text has what kubectl said."""

    def __str__(self) -> str:
        words = " ".join(str(word) for word in self.cmd[2:])
        return f"kubectl {words} ended with {self.returncode}:\n{self.stderr[-3000:]}"


@dataclass(frozen=True)
class Kubectl:
    """Of one cluster."""

    program: Path
    kubeconfig: Path

    def __call__(self, *arguments: str, given: str | None = None) -> str:
        """Its standard output; ``given`` is its standard input.

        Raises:
            Refused: with what it says in ``stderr``.
        """
        done = subprocess.run(
            [str(self.program), f"--kubeconfig={self.kubeconfig}", *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=CALL_S,
        )
        if done.returncode:
            raise Refused(done.returncode, done.args, done.stdout, done.stderr)
        return done.stdout

    def apply(self, *things: dict[str, Any]) -> None:
        """Server-side; whoever had a field before gives it up."""
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(things)})
        self("apply", "--server-side", "--force-conflicts", "-f", "-", given=listed)

    def get(self, *arguments: str) -> Any:
        """What ``kubectl get ... -o json`` says."""
        return json.loads(self("get", *arguments, "-o", "json"))
