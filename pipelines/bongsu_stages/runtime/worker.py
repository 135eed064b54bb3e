"""One attempt in one process: ``python -m bongsu_stages.runtime.worker --spec FILE`` (``-`` for standard input).

Exit status 0 when the result record stands, 1 when the stage failed (the failure record says why).
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

from bongsu.artifacts.open import open_store
from bongsu.domain.attempt import PROCESS_NOTE, AttemptResult, AttemptSpec, Failure, events_stream, log_stream
from bongsu.domain.problems import BongsuError
from bongsu.domain.worker_leave import PASS, WorkerPass
from bongsu.machine.processes import marked, note_process
from bongsu_stages.runtime.attempt import leave_failure, run_attempt
from bongsu_stages.runtime.leave import UNASKED, Leave, leave_of
from bongsu_stages.runtime.memory import give_back
from bongsu_stages.runtime.passing_on import passing_on
from bongsu_stages.runtime.reporting import EventFile, LogLines, drop, output_to

EVENTS, LOG = "events.jsonl", "log.txt"


def run_logged(spec: AttemptSpec, clock: Callable[[], float], leave: Leave = UNASKED) -> AttemptResult | Failure:
    """Run the attempt with its output and events in ``spec.log_directory``, if it has one; ``clock`` and ``leave`` as
    of :func:`bongsu_stages.runtime.attempt.run_attempt`."""
    use_threads(spec.resources.cpus_per_worker)
    if spec.log_directory is None:
        return run_attempt(spec, drop, clock, leave)
    folder = Path(spec.log_directory)
    outcome: AttemptResult | Failure | None = None
    try:
        note_process(folder / PROCESS_NOTE)
        with (
            _passed_on(spec, folder),
            closing(EventFile(folder / EVENTS)) as events,
            marked(folder),
            output_to(folder / LOG),
        ):
            outcome = run_attempt(spec, LogLines(events), clock, leave)
            if isinstance(outcome, Failure):
                print("\n".join(_last_words(outcome)), file=sys.stderr, flush=True)
    except OSError as error:  # there is no place for a log; what came out without one holds all the same
        return outcome or leave_failure(spec, error)
    finally:
        give_back()
    return outcome


def _passed_on(spec: AttemptSpec, folder: Path) -> AbstractContextManager[None]:
    if not spec.passes_on:
        return nullcontext()
    streams = {events_stream(spec.id): folder / EVENTS, log_stream(spec.id): folder / LOG}
    try:
        store = open_store(spec.artifact_store)
    except BongsuError:  # the attempt fails of it as well, and says so
        return nullcontext()
    return passing_on(store, streams)


def _last_words(failure: Failure) -> Iterator[str]:
    """Why it failed, how to mend it, and where it was raised if that was not foreseen."""
    if failure.detail:
        yield failure.detail.rstrip()
    yield str(failure.message)
    if failure.fix:
        yield f"→ {failure.fix}"


def use_threads(cpus: float) -> None:
    """Give numeric libraries as many threads as the stage has cores, in a process that may be reused."""
    count = max(1, int(cpus))
    os.environ["OMP_NUM_THREADS"] = str(count)
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if count > 1 else "false"
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(count)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--spec", required=True, help="file with the attempt as JSON, or - for standard input")
    given = parser.parse_args().spec
    text = sys.stdin.read() if given == "-" else Path(given).read_text()
    spec = AttemptSpec.model_validate_json(text)
    # What the stage starts does not get it.
    given = os.environ.pop(PASS, None)
    leave = leave_of(spec, WorkerPass.model_validate_json(given) if given is not None else None)
    outcome = run_logged(spec, time.time, leave)
    return 1 if isinstance(outcome, Failure) else 0


if __name__ == "__main__":
    sys.exit(main())
