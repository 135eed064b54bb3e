"""An attempt under an interpreter of its own, as a child process of the worker that was given it."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

from bongsu.artifacts.open import open_store
from bongsu.artifacts.outcomes import recorded_outcome
from bongsu.domain.attempt import AttemptResult, AttemptSpec, Failure, FailureReason
from bongsu.domain.entry_points import STAGES
from bongsu.domain.ids import Digest, digest_of
from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.worker_leave import PASS, WorkerPass
from bongsu.machine.processes import die_with_parent, mark_of
from bongsu.machine.python import python_command
from bongsu.machine.requirements import with_included
from bongsu.machine.shared_environments import environment_in_use
from bongsu_stages.runtime.attempt import leave_failure
from bongsu_stages.runtime.catalogue import entry_of, load_stage
from bongsu_stages.runtime.stage import StageError
from bongsu_stages.runtime.surroundings import inherited, to_install, to_reach_store

FAILED = FailureReason.ENVIRONMENT_FAILED
_START = "import sys\n\nfrom bongsu_stages.runtime.worker import main\n\nsys.exit(main())\n"


def needs_own_process(spec: AttemptSpec) -> bool:
    environment = spec.environment
    return environment is not None and bool(
        environment.interpreter or environment.requirements or environment.variables or environment.image
    )


@dataclass(frozen=True)
class EndedWithoutRecord:
    """The process ended and left no record; ``status`` as ``os.wait`` gives it, ``failure`` as far as that goes."""

    failure: Failure
    status: int


def run_isolated(
    spec: AttemptSpec, environments: Path, environment: Mapping[str, str], given: WorkerPass | None = None
) -> AttemptResult | Failure | EndedWithoutRecord:
    """Run the attempt by :mod:`bongsu_stages.runtime.worker` in the stage's interpreter, and read its record.

    Never raises for what the stage's environment, the artifact store or the disk does.

    Args:
        spec: with ``environment`` set.
        environments: directory of the virtual environments made from requirements files.
        environment: this process's environment, of which others see a part (:mod:`.surroundings`).
        given: what the process asks the control plane with, if there is one.
    """
    assert spec.environment is not None
    if spec.environment.image:
        return Failure(
            reason=FAILED,
            message=phrase(
                N_("This machine's executor cannot run the image {image}."), image=spec.environment.image
            ),
            fix=N_("Give the stage an interpreter or a requirements file instead."),
            retryable=False,
        )
    try:
        return _run_in(spec, environments, environment, given)
    except Exception as error:  # the boundary, as in `run_attempt`
        return leave_failure(spec, error)


def _run_in(
    spec: AttemptSpec, environments: Path, environment: Mapping[str, str], given: WorkerPass | None
) -> AttemptResult | Failure | EndedWithoutRecord:
    with ExitStack() as held:
        try:
            interpreter = _interpreter(spec, environments, environment, held)
        except (OSError, subprocess.CalledProcessError) as error:
            output = getattr(error, "stderr", "") or str(error)
            return Failure(
                reason=FAILED,
                message=phrase(N_("The environment of {stage} could not be made."), stage=spec.uses),
                fix=N_("Read the detail; check the requirements file and whether its packages can be reached."),
                retryable=True,
                detail=output[-4000:],
            )
        return _run(spec, interpreter, environment, given)


def _run(
    spec: AttemptSpec, interpreter: str, environment: Mapping[str, str], given: WorkerPass | None
) -> AttemptResult | Failure | EndedWithoutRecord:
    # What it says lies in the same files, and is passed on by this process if at all.
    plain = spec.model_copy(update={"environment": None, "passes_on": False})
    with tempfile.TemporaryDirectory(prefix="bongsu-") as name:
        folder = Path(name)
        (folder / "spec.json").write_text(plain.model_dump_json())
        lend_packages(folder / "packages", spec.uses)
        # Not by `-m`: an older interpreter would take files of this directory for modules, and knows no `-P`.
        (folder / "start.py").write_text(_START)
        try:
            done = subprocess.run(
                [interpreter, str(folder / "start.py"), "--spec", str(folder / "spec.json")],
                env={**_given(spec, environment), **_handed(given), "PYTHONPATH": str(folder / "packages")},
                check=False,
                preexec_fn=die_with_parent,
            )
        except OSError as error:
            return Failure(
                reason=FAILED,
                message=phrase(
                    N_("The interpreter {interpreter} cannot be started: {detail}."),
                    interpreter=interpreter,
                    detail=error.strerror,
                ),
                fix=N_("Name an existing Python interpreter that has the stage's packages."),
                retryable=False,
            )
    recorded = recorded_outcome(open_store(spec.artifact_store, spec.cache), spec.id)
    if recorded is not None:
        return recorded
    failure = Failure(
        reason=FailureReason.WORKER_LOST,
        message=phrase(
            N_("The process of {stage} ended with status {status} and left no record."),
            stage=spec.uses,
            status=done.returncode,
        ),
        fix=N_("See the log; a negative status is the number of the signal that ended it."),
    )
    return EndedWithoutRecord(failure, -done.returncode if done.returncode < 0 else done.returncode << 8)


def _given(spec: AttemptSpec, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a stage under an interpreter of its own: see :mod:`.surroundings`.

    It reads and writes the artifact store itself, so it gets what that takes.
    """
    own = {name: environment[name] for name in load_stage(spec.uses).signature.secrets if name in environment}
    variables = spec.environment.variables if spec.environment else {}
    return {
        **inherited(environment),
        **to_reach_store(spec.artifact_store, environment),
        **own,
        **variables,
        **mark_of(environment),
    }


def _handed(given: WorkerPass | None) -> dict[str, str]:
    """In the environment, which others of this machine do not see, as they do arguments; the process takes it out."""
    return {PASS: given.model_dump_json()} if given is not None else {}


def lend_packages(folder: Path, uses: str) -> None:
    """Fill ``folder`` with what another interpreter needs of this one to run the stage ``uses``, and with nothing else:
    Bongsu's packages, the stage's own, and the note by which the stage is found.

    Raises:
        LookupError: no such stage is installed.
    """
    folder.mkdir(parents=True)
    entry = entry_of(uses)
    for name in dict.fromkeys(("bongsu", "bongsu_stages", entry.module.partition(".")[0])):
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            raise LookupError(f"the package {name} cannot be found")
        source = Path(found.origin)
        source = source.parent if found.submodule_search_locations else source
        (folder / source.name).symlink_to(source)
    # Where importlib.metadata looks for entry points.
    note = folder / "bongsu_lent-0.dist-info"
    note.mkdir()
    (note / "METADATA").write_text("Metadata-Version: 2.1\nName: bongsu-lent\nVersion: 0\n")
    (note / "entry_points.txt").write_text(f"[{STAGES}]\n{entry.name} = {entry.value}\n")


def _interpreter(spec: AttemptSpec, environments: Path, surrounding: Mapping[str, str], held: ExitStack) -> str:
    """Its path; an environment that it lies in stays as long as ``held``."""
    environment = spec.environment
    assert environment is not None
    if environment.interpreter:
        return environment.interpreter
    if environment.requirements:
        file = _requirements_file(spec, environment.requirements)
        made = held.enter_context(_virtual_environment(file, spec.requirements, environments, surrounding))
        return str(made / "bin" / "python")
    return sys.executable


def _requirements_file(spec: AttemptSpec, path: str) -> Path:
    if spec.requirements_tree is None:
        return Path(path)
    return open_store(spec.artifact_store, spec.cache).reader(spec.requirements_tree).local() / path


def _virtual_environment(
    requirements: Path, planned: Digest | None, environments: Path, surrounding: Mapping[str, str]
) -> AbstractContextManager[Path]:
    """The environment made from a requirements file, made once for its content and interpreter version.

    Args:
        planned: digest of the file and of those that it includes, when the plan was made.

    Raises:
        StageError: they have changed since.
    """
    content = with_included(requirements)
    if planned and digest_of(content) != planned:
        raise StageError(
            phrase(N_("{requirements} is not as it was when the run was planned."), requirements=requirements),
            N_("Give it its content again, or `bongsu run` the file, which plans it anew."),
        )
    name = hashlib.sha256(content + sys.version.encode()).hexdigest()[:24]

    def make(place: Path) -> None:
        _call(python_command("venv", str(place)), surrounding)
        quietly = ("install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(requirements))
        _call(python_command("pip", *quietly, interpreter=str(place / "bin" / "python")), surrounding)

    return environment_in_use(environments, name, make)


def _call(command: list[str], surrounding: Mapping[str, str]) -> None:
    # A source package runs code of its own when it is installed.
    environment = {**inherited(surrounding), **to_install(surrounding)}
    subprocess.run(command, check=True, capture_output=True, text=True, env=environment, preexec_fn=die_with_parent)
