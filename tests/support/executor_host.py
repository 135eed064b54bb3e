"""An executor in a process of its own, told over its standard input what to do; so that it can be killed.

``python executor_host.py MODULE:FUNCTION JSON`` makes the executor with ``FUNCTION(**JSON)``. Each line of its
input is a command: ``ensure SPEC``, ``observe ATTEMPT``, ``close``. Each is answered with one line.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bongsu.domain.attempt import AttemptSpec, Observation
from bongsu.domain.ids import AttemptId
from bongsu.executors.base import Executor


def serve() -> None:
    module, _, function = sys.argv[1].partition(":")
    make: Callable[..., Executor] = getattr(importlib.import_module(module), function)
    executor = make(**json.loads(sys.argv[2]))
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        answer = "done"
        if command == "ensure":
            executor.ensure(AttemptSpec.model_validate_json(argument))
        elif command == "observe":
            attempt = AttemptId.model_validate_json(argument)
            answer = executor.observe([attempt])[attempt].model_dump_json()
        elif command == "close":
            executor.close()
        print(answer, flush=True)


class ExecutorHost:
    """The other side: a control plane in another process."""

    def __init__(self, factory: str, arguments: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, factory, json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent,
        )

    def ensure(self, spec: AttemptSpec) -> None:
        self._ask(f"ensure {spec.model_dump_json()}")

    def observe(self, attempt: AttemptId) -> Observation:
        return Observation.model_validate_json(self._ask(f"observe {attempt.model_dump_json()}"))

    def close(self) -> None:
        """Let it end in an orderly way."""
        self._ask("close")
        self._end()

    def kill(self) -> None:
        """End it between two of its instructions (SIGKILL); nothing happens if it is over."""
        self._process.kill()
        self._end()

    def _end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=30)

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the executor's process ended with status {self._process.wait()}")
        return answer


if __name__ == "__main__":
    serve()
