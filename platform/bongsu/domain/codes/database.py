"""Codes of a database that is a server of its own, and of who leads the processes that share it."""

from bongsu.domain.problems import Code

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
LEADERSHIP_LOST = Code(
    "run.leadership-lost",
    "This process ({holder}) drives the runs in the database {url} no longer: {detail}.",
    "Nothing is lost and nothing is to be done: what it had not written yet is not written, another process goes on"
    " with the runs, and this one waits for its turn.",
    exit_code=7,
)
