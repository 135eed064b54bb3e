"""Reading and preparing files with Ray Data, for corpora that one process would take too long over."""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bongsu.artifacts.open import open_store
from bongsu.domain.ids import Digest
from bongsu_stages.data.preparing import Prepared, Rules, prepare
from bongsu_stages.data.reading import Lost, Record, read_file
from bongsu_stages.runtime.scratch import Scratch

BATCH = 64
_BLOCKS = 4096  # more files than this share tasks


def prepared_by_ray(
    store_uri: str, digest: Digest, paths: list[str], text_field: str, rules: Rules, tasks: int, scratch: Scratch
) -> Iterator[Prepared | Lost]:
    """What :func:`prepare` gives for the records of ``paths``, in the same order as in one process.

    Workers open the artifact store themselves; texts stream through Ray's object store to the caller.

    Args:
        tasks: files that are read at the same time. They run on the cores that the stage itself was given and does
            not use meanwhile, so they ask Ray for none.
        scratch: where files lie that cannot be streamed.
    """
    with _ray() as ray:
        ray.data.DataContext.get_current().execution_options.preserve_order = True
        ray.data.DataContext.get_current().enable_progress_bars = False

        def batches(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
            with scratch.folder("reading") as folder:
                for batch in prepared_file(store_uri, digest, row["path"], text_field, rules, folder):
                    yield {"batch": pickle.dumps(batch)}

        dataset = ray.data.from_items(
            [{"path": path} for path in paths], override_num_blocks=min(len(paths), _BLOCKS)
        )
        dataset = dataset.flat_map(batches, num_cpus=0, compute=ray.data.TaskPoolStrategy(size=tasks))
        with _as_raised(ray):
            for row in dataset.iter_rows():
                yield from pickle.loads(row["batch"])


def prepared_file(
    store_uri: str, digest: Digest, path: str, text_field: str, rules: Rules, scratch: Path
) -> Iterator[list[Prepared | Lost]]:
    """Prepared batches of one file."""
    reader = open_store(store_uri).reader(digest)
    held: list[Record] = []
    for record in read_file(reader, path, text_field, scratch):
        held.append(record)
        if len(held) >= BATCH:
            yield prepare(held, rules)
            held = []
    if held:
        yield prepare(held, rules)


@contextmanager
def _as_raised(ray: Any) -> Iterator[None]:
    """What a task raised is raised here: of Ray's own report of it nobody can tell whose fault it was."""
    try:
        yield
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, Exception):
            raise error.cause from error
        raise


@contextmanager
def _ray() -> Iterator[Any]:
    """Ray with its data library: the one this process is connected to, or a small one that ends afterwards."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray
    import ray.data

    logger = logging.getLogger("ray.data")
    level = logger.level
    logger.setLevel(logging.ERROR)
    own = not ray.is_initialized()
    if own:
        ray.init(
            num_cpus=max(1, len(os.sched_getaffinity(0))),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _node_ip_address="127.0.0.1",
        )
    try:
        yield ray
    finally:
        logger.setLevel(level)
        if own:
            ray.shutdown()
