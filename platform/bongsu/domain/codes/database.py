"""Codes of a database that is a server of its own, and of who leads the processes that share it."""

from dataclasses import replace

from bongsu.domain.messages import N_
from bongsu.domain.phrases import phrase
from bongsu.domain.problems import Code, Problem

_OF_DATABASE = ("run.database-", "run.leadership-")

DATABASE_UNREACHABLE = Code(
    "run.database-unreachable",
    "The database {url} does not answer: {detail}.",
    "See that its server runs and that this machine reaches it; what was acknowledged before stands, and whatever was"
    " under way may be asked for again.",
    exit_code=7,
)
DATABASE_REFUSED = Code(
    "run.database-refused",
    "The server of the database {url} refuses this program: {detail}.",
    "Check user, password, the database's name, and what the server's pg_hba.conf and grants let that user do.",
    exit_code=7,
)
DATABASE_ADDRESS = Code(
    "run.database-address",
    "The address of the database cannot be used: {detail}.",
    "Write sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST:PORT/NAME, with the signs @ : / ? # % in a"
    " password as %40 %3A %2F %3F %23 %25.",
)
NO_MLFLOW_DATABASE = Code(
    "run.no-mlflow-database",
    "The control plane's database is PostgreSQL ({url}), and none is named for MLflow: its rows would lie in a file of"
    " this process's own home, and each replica would tell of other models and metrics.",
    "Make a second database on that server and name it with `--mlflow-database ADDRESS` or BONGSU_MLFLOW_DATABASE, the"
    " same for all replicas. For a process that is and stays the only one, a file will do, if it is named:"
    " sqlite:///PATH.",
)
ONE_DATABASE = Code(
    "run.one-database",
    "The control plane and MLflow are given the same database ({url}): both have tables of the same names, and each"
    " would change the other's.",
    "Make another database for MLflow and name it with `--mlflow-database ADDRESS` or BONGSU_MLFLOW_DATABASE, the same"
    " for all replicas.",
)
ALWAYS_CHANGED = Code(
    "run.always-changed",
    "Others changed the same thing at the same moment, {times} times in a row.",
    "Nothing of this was done. Ask again in a moment.",
    exit_code=7,
)
LEADERSHIP_LOST = Code(
    "run.leadership-lost",
    "This process ({holder}) drives the runs in the database {url} no longer: {detail}.",
    "Nothing is lost and nothing is to be done: what it had not written yet is not written, another process goes on"
    " with the runs, and this one waits for its turn.",
    exit_code=7,
)


def without_address(problem: Problem) -> Problem:
    """As it is told to who asks a server: where its database lies, and what that says, is for who runs the server."""
    if not problem.code.name.startswith(_OF_DATABASE):
        return problem
    hidden = {"url": phrase(N_("of this server")), "detail": phrase(N_("its log says more"))}
    return replace(problem, args={name: hidden.get(name, value) for name, value in problem.args.items()})
