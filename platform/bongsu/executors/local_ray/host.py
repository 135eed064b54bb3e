"""The process that holds the Ray client: ``python -m bongsu.executors.local_ray.host``.

Ray's client ends its process when Ray is gone, prints stack traces from signal handlers of its own, and cannot be
started a second time for sure. Here that concerns nobody: the executor talks to this process over pipes, sees its
end, and starts another. Commands come by standard input, whose end asks this process to end; answers leave by what
was standard output; whatever Ray prints goes to standard error, which is a log file.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

from bongsu.domain.attempt import AttemptSpec, place_name
from bongsu.domain.capacity import may_be_same
from bongsu.domain.ids import AttemptId
from bongsu.domain.worker_leave import WorkerPass
from bongsu.executors.local_ray.failures import failure_from_ray, not_taken
from bongsu.executors.local_ray.host_messages import (
    Answer,
    Begin,
    Broke,
    Command,
    Died,
    Ready,
    Returned,
    Stop,
    Submit,
    Unusable,
    parse_command,
)
from bongsu.executors.local_ray.session import RaySettings, capacity_of, connect

LOOK_INTERVAL_S = 0.05
_DIED = 70


class RayHost:
    """Runs attempts as Ray tasks.

    Args:
        commands: where the executor's come in.
        answers: where this process's go out.
    """

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        self._commands = commands
        self._answers = answers
        self._asked: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._running: dict[Any, AttemptId] = {}
        self._end_orphans: Callable[[], None] = lambda: None

    def serve(self, environment: Mapping[str, str]) -> None:
        """Until the commands end, or Ray does."""
        from bongsu.machine.processes import adopt_orphans

        begin = parse_command(self._commands.readline())
        assert isinstance(begin, Begin)
        threading.Thread(target=self._listen, name="commands", daemon=True).start()
        try:
            ray = connect(RaySettings(begin.address, begin.cpus), environment)
            stay_until_told()
            self._end_orphans = adopt_orphans()
            self._say(Ready(resources=ray.cluster_resources()))
        except BaseException as error:  # starting Ray may even ask the process to exit
            self._say(Unusable(message=f"{type(error).__name__}: {error}"))
            return
        try:
            while self._obey(ray, begin):
                self._collect(ray)
        finally:
            ray.shutdown()

    # -- inside ----------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        for line in self._commands:
            self._asked.put(parse_command(line))
        self._asked.put(None)

    def _obey(self, ray: Any, begin: Begin) -> bool:
        """Do what was asked for meanwhile; with nothing under way, wait for it. False when nobody asks any more."""
        is_idle = not self._running
        while True:
            try:
                command = self._asked.get(block=is_idle)
            except queue.Empty:
                return True
            is_idle = False
            match command:
                case None:
                    return False
                case Submit(spec=spec, given=given):
                    self._submit(ray, spec, begin, given)
                case Stop(attempt=attempt):
                    self._stop(ray, attempt)

    def _submit(self, ray: Any, spec: AttemptSpec, begin: Begin, given: WorkerPass | None) -> None:
        from bongsu.executors.local_ray.task import run_attempt_task

        handed = given.model_dump_json() if given is not None else None
        arguments = (spec.model_dump_json(), begin.environments, begin.variables, handed)
        try:
            kinds = capacity_of(ray.cluster_resources()).accelerators if spec.resources.accelerator else ()
            options = options_of(spec, kinds)
            self._running[ray.remote(run_attempt_task).options(**options).remote(*arguments)] = spec.id
        except Exception as error:  # Ray says in no other way that it does not take a task
            self._say(Broke(attempt=spec.id, failure=not_taken(error)))

    def _stop(self, ray: Any, attempt: AttemptId) -> None:
        for reference, one in self._running.items():
            if one == attempt:
                with contextlib.suppress(Exception):  # Ray may be about to end itself
                    ray.cancel(reference, force=True, recursive=True)

    def _collect(self, ray: Any) -> None:
        if not self._running:
            return
        try:
            done, _ = ray.wait(list(self._running), num_returns=1, timeout=LOOK_INTERVAL_S)
        except Exception as error:  # Ray itself is broken
            self._die(f"its client says: {error}")
        for reference in done:
            attempt = self._running.pop(reference)
            free_places(attempt)
            try:
                self._say(Returned.model_validate_json(ray.get(reference)))
            except Exception as error:  # Ray raises what ended the task, of whatever kind
                # Its worker may be dead: what it had started is a child of this process then.
                self._end_orphans()
                self._say(Broke(attempt=attempt, failure=failure_from_ray(error)))

    def _say(self, answer: Answer) -> None:
        self._answers.write(answer.line())
        self._answers.flush()

    def _die(self, message: str) -> NoReturn:
        """The last word. What Ray left is ended by the executor; an orderly ``ray.shutdown()`` would wait for it."""
        self._say(Died(message=message))
        os._exit(_DIED)


def free_places(attempt: AttemptId) -> None:
    """Give back what Ray keeps for the gang of an attempt that is over. One that ended in order has done so itself;
    the process that was to do so may have been killed (`bongsu_stages.train.gang_controller`)."""
    from ray.util.placement_group import get_placement_group, placement_group_table, remove_placement_group

    with contextlib.suppress(Exception):  # Ray may be about to end itself
        for place in placement_group_table().values():
            if place["name"].startswith(place_name(attempt.key)) and place["state"] != "REMOVED":
                remove_placement_group(get_placement_group(place["name"]))


def stay_until_told() -> None:
    """Signals to whole groups of processes are the executor's to answer, which ends this process in order. Handlers,
    and not SIG_IGN, which Ray's workers would inherit; after Ray has put its own, which print a stack trace."""
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, lambda _number, _frame: None)


def options_of(spec: AttemptSpec, kinds: Sequence[str]) -> dict[str, Any]:
    """What a task asks of Ray for an attempt; ``kinds`` of GPUs are named as the nodes of this Ray call them."""
    needs = spec.resources
    # A distributed stage's gang of workers takes the cores; the task that drives it takes none.
    options: dict[str, Any] = {
        "num_cpus": 0 if spec.distributed else needs.cpus_per_worker,
        "max_retries": 0,
        "name": spec.id.key,
    }
    if needs.gpus_per_worker and not spec.distributed:
        options["num_gpus"] = needs.gpus_per_worker
        if needs.accelerator:
            options["accelerator_type"] = _as_ray_calls(needs.accelerator, kinds)
    return options


def _as_ray_calls(accelerator: str, kinds: Sequence[str]) -> str:
    """A GPU that nodes offer as ``H100`` is not found under ``H100-80GB``. What none offers stays as it is, and
    waits."""
    return next((kind for kind in kinds if may_be_same(accelerator, kind)), accelerator)


def main() -> None:
    from bongsu.machine.processes import die_with_parent

    die_with_parent()
    stay_until_told()
    # Nobody else may hold the pipes: their end is a message.
    commands, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    RayHost(commands, answers).serve(os.environ)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
