"""The other process: ``python -m bongsu_stages.verify.probe JOB``.

Reads ``{"models": [[name, directory, with state], ...], "sequences": file.npy, "results": directory, "disk": directory,
"memory": bytes or null}`` and leaves ``<name>.npz`` for each model that loaded, ``<name>.error`` for each that did not.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from bongsu_stages.models.placement import Room
from bongsu_stages.verify.attribution import is_of_the_machine
from bongsu_stages.verify.outputs import Outputs, outputs_of


def main(job: Path) -> None:
    content = json.loads(job.read_text())
    sequences = np.load(content["sequences"])
    results = Path(content["results"])
    for name, directory, with_state in content["models"]:
        try:
            room = Room.of_worker(Path(content["disk"]), content["memory"])
            found = outputs_of(Path(directory), sequences, room, with_state=with_state)
        except Exception as error:  # every way in which a tree fails to load is a finding
            if is_of_the_machine(error):
                raise
            (results / f"{name}.error").write_text(f"{type(error).__name__}: {error}"[:2000])
            continue
        save(results / f"{name}.npz", found)


def save(path: Path, found: Outputs) -> None:
    keys = json.dumps({"missing": found.missing, "unexpected": found.unexpected, "state": dict(found.state)})
    partial = path.with_suffix(".partial.npz")
    np.savez(
        partial, logits=found.logits, loss=found.loss, generated=np.array(found.generated), keys=np.array(keys)
    )
    partial.rename(path)


def read(path: Path) -> Outputs:
    with np.load(path) as data:
        keys = json.loads(str(data["keys"]))
        return Outputs(
            data["logits"],
            float(data["loss"]),
            tuple(int(token) for token in data["generated"]),
            tuple(keys["missing"]),
            tuple(keys["unexpected"]),
            keys["state"],
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
