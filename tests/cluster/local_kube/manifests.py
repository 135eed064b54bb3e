"""Installing an operator from what its own release says, with changes for this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from local_kube.kubectl import Kubectl
from local_kube.layout import Layout

_TYPES_ARE_THERE = ("customresourcedefinitions", "already exists")


class CannotInstall(Exception):
    """Some of what an operator consists of was not created; the text has what the server said."""


def install(layout: Layout, kubectl: Kubectl, name: str, manifest: Path, changes: dict[str, Any]) -> None:
    """Create all that a manifest names; its types may be there already.

    Args:
        name: what is installed.
        changes: as a ``kustomization.yaml`` has them.

    Raises:
        CannotInstall: with what could not be created.
    """
    folder = layout.folder / "manifests" / name
    folder.mkdir(parents=True)
    shutil.copy(manifest, folder / "all.yaml")
    # JSON is YAML.
    (folder / "kustomization.yaml").write_text(json.dumps({"resources": ["all.yaml"], **changes}))
    changed = kubectl("kustomize", str(folder))
    try:
        kubectl("create", "--validate=false", "-f", "-", given=changed)
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.splitlines() if line.strip()]
        others = [line for line in said if not all(word in line for word in _TYPES_ARE_THERE)]
        if others:
            raise CannotInstall(f"{name} was not installed:\n" + "\n".join(others)) from None
