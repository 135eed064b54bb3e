"""What the mount is told by whoever composes the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bongsu.artifacts.base import StoreOf
from bongsu.artifacts.readers import Readers
from bongsu.domain.labels import Label
from bongsu.domain.server_defaults import LANGUAGE
from bongsu.machine.environment import overlaid
from bongsu.tracking.governed.viewer import Note, Record
from bongsu.tracking.settings import quieten

MEBIBYTE = 2**20
ROOT = "mlflow-artifacts:/"
DESTINATION_SCHEME = "bongsu-mount"


@dataclass(frozen=True)
class GovernedSettings:
    """One for each process: MLflow keeps its settings in the environment.

    Attributes:
        database_uri: of MLflow's own database, ``sqlite:////...`` or ``postgresql+psycopg://...``. Not the control
            plane's: both have tables of the same names.
        files_uri: where files lie that people log through MLflow: a directory or an address that MLflow knows.
        trees: the control plane's artifact store of each ministry, from which registered versions are downloaded.
        unlabelled: what somebody's own words and numbers are labelled at least, if they say nothing. None: their whole
            clearance, because what they write may hold all that they may see.
        note: is told of every request but those for public pages, before its answer; if it raises, nothing is given.
        record: makes the entries of what is changed, before it is; if it raises, nothing is. None: nothing is kept.
        session_page: path at which people who signed in with a browser sign out; empty if nobody does.
        language: of what is told to who asks for none.
        max_message: bytes of a message.
        max_file: bytes of a file that is logged.
        readers: who reads a file at this server, through MLflow or elsewhere.
    """

    database_uri: str
    files_uri: str
    trees: StoreOf
    unlabelled: Label | None = None
    note: Note | None = None
    record: Record | None = None
    session_page: str = ""
    language: str = LANGUAGE
    max_message: int = 16 * MEBIBYTE
    max_file: int = 10 * 1024 * MEBIBYTE
    readers: Readers = field(default_factory=Readers)


@contextmanager
def prepared_environment(settings: GovernedSettings) -> Iterator[None]:
    """Tell MLflow, before it is imported and until the end of the block; it takes these from nowhere else (see
    ``stores``). What the operator set of the same variables does not stand: each of them decides who sees what.
    """
    quieten()
    given: dict[str, str | None] = {
        "MLFLOW_ENABLE_WORKSPACES": "true",
        "MLFLOW_WEBHOOK_CACHE_TTL": "0",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        # Whoever says who asks looks at origins; hosts are looked at by the server that it is mounted in.
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "true",
        "_MLFLOW_SERVER_FILE_STORE": settings.database_uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": settings.database_uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": ROOT,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": f"{DESTINATION_SCHEME}:/",
        "MLFLOW_WORKSPACE": None,
        "_MLFLOW_STATIC_PREFIX": None,
        "prometheus_multiproc_dir": None,
    }
    with overlaid(given):
        yield
