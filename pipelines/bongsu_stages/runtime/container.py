"""``container``: any command under the stage contract, without Python.

The command finds ``BONGSU_CONTEXT`` (a JSON file with ports, directories, label and attempt), ``BONGSU_INPUTS`` and
``BONGSU_OUTPUTS`` in its environment, reads ``<inputs>/<port>/<n>/`` and writes ``<outputs>/files/``. If it leaves
``<outputs>/metrics.json`` (``{"name": number}``), those are the stage's figures. Lines ``::progress STEP TOTAL`` on
its standard output move the progress bar. Of the worker's environment it sees no secret; where ministries share a
server, it is confined to its inputs and outputs and to the programs of the machine.
"""

from __future__ import annotations

import json
import math
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from platform import node
from threading import Thread
from typing import Annotated

from pydantic import Field

import bongsu.machine
import bongsu_stages.runtime
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.ports import Files
from bongsu.domain.problems import BongsuError
from bongsu.domain.stages import Params
from bongsu.machine.confinement import NoConfinement, confinement
from bongsu.machine.processes import die_with_parent, mark_of, no_one_left_behind
from bongsu_stages.runtime.context import StageContext, StageOutputs
from bongsu_stages.runtime.stage import StageError, stage
from bongsu_stages.runtime.surroundings import inherited

# Longer numbers are no steps of anything: such a line is text.
_PROGRESS = re.compile(r"^::progress (\d{1,9})(?: (\d{1,9}))?\s*$")
TAIL_LINES = 30
MAX_METRICS_BYTES = 1_000_000
MAX_LINE_CHARACTERS = 64 * 1024
MAX_LOG_CHARACTERS = 256 * 1024 * 1024
MAX_NAME_CHARACTERS = 250
_OWN_END_S = 3.0
# Settings of whoever runs the workers: whether commands are confined on a server, and what else they may read there.
COMMANDS, CONFINED, OPEN = "BONGSU_COMMANDS", "confined", "open"
COMMANDS_READ = "BONGSU_COMMANDS_READ"
_HOW = N_('Write an object of names and numbers, such as {"accuracy": 0.9}.')


VariableName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description=N_("Letters, digits and underscores, not starting with a digit"),
    ),
]


class ContainerParams(Params):
    """Parameters of ``container``."""

    command: tuple[str, ...] = Field(
        min_length=1,
        description="Program and arguments, no shell involved; reads $BONGSU_INPUTS/files/0 and on, "
        "writes $BONGSU_OUTPUTS/files",
    )
    variables: dict[VariableName, str] = Field(default={}, description="Environment variables, no secrets")


@stage(
    "container",
    params=ContainerParams,
    inputs={"files": Files("Anything; each tree becomes a directory", many=True, optional=True)},
    outputs={"files": Files("What the command wrote")},
    signs=True,
)
def container(ctx: StageContext, params: ContainerParams) -> StageOutputs:
    """Run any command on input directories and take what it writes as the output."""
    folder = ctx.scratch / "command"
    inputs, outputs = folder / "inputs", folder / "outputs"
    (outputs / "files").mkdir(parents=True)
    places = _lay_out(ctx, inputs)
    context = {
        "attempt": ctx.spec.id.key,
        "label": str(ctx.spec.label),
        "ministry": ctx.spec.ministry,
        "inputs": {"files": places},
        "outputs": {"files": str(outputs / "files")},
    }
    (folder / "context.json").write_text(json.dumps(context, ensure_ascii=False), encoding="utf-8")
    environment = {
        **inherited(os.environ),
        **params.variables,
        "BONGSU_CONTEXT": str(folder / "context.json"),
        "BONGSU_INPUTS": str(inputs),
        "BONGSU_OUTPUTS": str(outputs),
        **mark_of(os.environ),
    }
    try:
        is_confined = ctx.is_shared and os.environ.get(COMMANDS, CONFINED) != OPEN
        if is_confined:
            (folder / "tmp").mkdir()
            environment |= {"HOME": str(folder), "TMPDIR": str(folder / "tmp")}
        with _confined(folder, places) if is_confined else nullcontext(die_with_parent) as begin:
            _run(ctx, list(params.command), environment, folder, begin)
    finally:
        _check_inputs(ctx)
    taken = _taken(outputs, ctx.scratch / "outputs")
    ctx.output("files").add_tree(taken / "files")
    return StageOutputs(metrics=_metrics(taken / "metrics.json"))


def _lay_out(ctx: StageContext, inputs: Path) -> list[str]:
    """Input trees as links to directories, numbered in the order of the file."""
    places = []
    for number, tree in enumerate(ctx.inputs("files")):
        place = inputs / "files" / str(number)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(tree.reader.local(), target_is_directory=True)
        places.append(str(place))
    return places


def _taken(outputs: Path, place: Path) -> Path:
    """The folder of outputs, moved to where what the command left behind cannot change it: the command may have put a
    link to somebody else's files in its stead, before or at any moment of this."""
    try:
        outputs.rename(place)
        is_folder = stat.S_ISDIR(place.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        is_folder = False
    if not is_folder:
        raise StageError(
            N_("The command left no folder at $BONGSU_OUTPUTS."),
            N_("Write below $BONGSU_OUTPUTS/files, and leave these two folders where they are."),
        )
    return place


@contextmanager
def _confined(folder: Path, places: Iterable[str]) -> Iterator[Callable[[], None]]:
    """What the process of the command does between fork and exec, where others share what the worker can read.

    Raises:
        StageError: the kernel cannot confine it.
    """
    given = os.environ.get(COMMANDS_READ, "").split(os.pathsep)
    readable = [*map(Path, places), *_programs(), *(one for one in map(Path, given) if one.is_absolute())]
    try:
        with confinement(readable, [folder]) as confines:

            def begin() -> None:
                die_with_parent()
                confines.begin()

            yield begin
    except NoConfinement:
        raise StageError(
            phrase(N_("The kernel of {host} cannot keep a command from the files of others."), host=node()),
            phrase(
                N_(
                    "It takes Linux 5.13 or newer with Landlock. If all who may submit are trusted with everything that"
                    " the worker's account can read, the operator sets {name}={value} for the workers."
                ),
                name=COMMANDS,
                value=OPEN,
            ),
        ) from None


def _programs() -> list[Path]:
    """This interpreter's, with its packages: a command may be one of them."""
    packages = [Path(str(one.__file__)).parents[2] for one in (bongsu.machine, bongsu_stages.runtime)]
    return [Path(sys.prefix), Path(sys.base_prefix), *packages]


def _check_inputs(ctx: StageContext) -> None:
    """The command saw the store's own files. Raises ``artifact.corrupt`` for what it changed, which sets it aside."""
    for tree in ctx.inputs("files"):
        try:
            tree.reader.local()
        except BongsuError:
            ctx.message(f"The command changed its input {tree.title}. It is to write to $BONGSU_OUTPUTS alone.")
            raise


def _run(
    ctx: StageContext, command: list[str], environment: dict[str, str], folder: Path, begin: Callable[[], None]
) -> None:
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    said = 0
    with no_one_left_behind() as end_all:
        process = _start(command, environment, folder, begin)
        # What it leaves behind may hold its output open for ever.
        Thread(target=lambda: (process.wait(), end_all()), daemon=True).start()
        for line in _lines(process):
            match = _PROGRESS.match(line)
            if match:
                ctx.progress(int(match[1]), int(match[2]) if match[2] else None)
                continue
            tail.append(line)
            said += len(line)
            if said <= MAX_LOG_CHARACTERS:
                print(line, end="", flush=True)
        status = process.wait()
    if said > MAX_LOG_CHARACTERS:
        ctx.message(f"The log ends after {MAX_LOG_CHARACTERS:,} characters; the command printed {said:,}.")
    if status == -signal.SIGKILL:
        # Who ends this worker ends what it started a moment before (Ray does, and the watchdog may), and that is no
        # failure of the command: there is nobody to record it once this process is gone.
        time.sleep(_OWN_END_S)
    if status != 0:
        words = "".join(tail).strip()[-1500:]
        told = N_("The command ended with status {status}. Its last words: {words}")
        silent = N_("The command ended with status {status} and printed nothing.")
        raise StageError(
            phrase(told if words else silent, status=status, words=words),
            phrase(
                N_("`bongsu logs {run} {stage}` shows all of what it printed."),
                run=ctx.spec.id.run_id,
                stage=ctx.spec.id.stage_id,
            ),
            retryable=True,
        )


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """What it prints; a line that does not end comes in parts, so that nobody holds all of it."""
    assert process.stdout is not None
    while line := process.stdout.readline(MAX_LINE_CHARACTERS):
        yield line


def _start(
    command: list[str], environment: dict[str, str], folder: Path, begin: Callable[[], None]
) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            preexec_fn=begin,  # noqa: PLW1509 - it makes system calls alone, which are prepared before
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StageError(
            phrase(
                N_("The command {command} cannot be started: {detail}."),
                command=command[0],
                detail=getattr(error, "strerror", None) or str(error),
            ),
            N_("Check its name and the environment."),
        ) from error


def _metrics(path: Path) -> dict[str, float]:
    try:
        facts = path.lstat()
    except FileNotFoundError:
        return {}
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_METRICS_BYTES:
        # A pipe would be waited for, and a device has no end.
        raise StageError(
            phrase(N_("metrics.json is no file of at most {limit:,} bytes."), limit=MAX_METRICS_BYTES), _HOW
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise StageError(phrase(N_("metrics.json is no JSON: {detail}."), detail=error), _HOW) from error
    if not isinstance(content, dict):
        raise StageError(
            phrase(N_("metrics.json holds a {kind} instead of an object."), kind=type(content).__name__), _HOW
        )
    wrong = [name for name, value in content.items() if not _is_figure(name, value)]
    if wrong:
        named = [json.dumps(name[:80], ensure_ascii=False) for name in wrong[:5]] + ["…"] * (len(wrong) > 5)
        raise StageError(
            phrase(
                N_(
                    "metrics.json: {count} of {total} entries are no figures with a name of at most "
                    "{limit} printable characters: {named}."
                ),
                count=len(wrong),
                total=len(content),
                limit=MAX_NAME_CHARACTERS,
                named=", ".join(named),
            ),
            _HOW,
        )
    return {name: float(value) for name, value in content.items()}


def _is_figure(name: str, value: object) -> bool:
    if not name.strip() or not name.isprintable() or len(name) > MAX_NAME_CHARACTERS or isinstance(value, bool):
        return False
    if isinstance(value, float):
        return math.isfinite(value)  # NaN and Infinity, which Python's JSON has, are no figures to decide by
    return isinstance(value, int) and abs(value) < 1 << 1023
