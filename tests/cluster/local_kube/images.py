"""The container images that a cluster needs, written as OCI archives: a handful of files each, so nothing is fetched
and no Docker builds them."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_OCI = "application/vnd.oci.image."
NOBODY = "65532:65532"
"""Manifests of the operators say ``runAsNonRoot``, which asks for a user by number in the image."""


@dataclass(frozen=True)
class Image:
    """``localhost/<name>:1``.

    Attributes:
        files: paths in the image, and their content.
        folders: that are empty.
        links: paths in the image, and where they lead.
    """

    name: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    folders: Sequence[str] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] = ()
    user: str = ""

    @property
    def reference(self) -> str:
        return f"localhost/{self.name}:1"

    def write(self, archive: Path) -> None:
        """Write an archive that ``ctr images import`` takes."""
        layer = self._layer()
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
                "config": {
                    "User": self.user,
                    "Cmd": list(self.command),
                    "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"],
                },
            }
        ).encode()
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": f"{_OCI}manifest.v1+json",
                "config": _reference("config.v1+json", config),
                "layers": [_reference("layer.v1.tar", layer)],
            }
        ).encode()
        named = {
            "io.containerd.image.name": self.reference,
            "org.opencontainers.image.ref.name": "1",
        }
        index = json.dumps(
            {
                "schemaVersion": 2,
                "manifests": [_reference("manifest.v1+json", manifest) | {"annotations": named}],
            }
        ).encode()
        blobs = {f"blobs/sha256/{hashlib.sha256(one).hexdigest()}": one for one in (layer, config, manifest)}
        with tarfile.open(archive, "w") as tar:
            for path, data in {
                "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
                "index.json": index,
                **blobs,
            }.items():
                _add_file(tar, path, data, 0o644)

    def _layer(self) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for folder in self.folders:
                entry = tarfile.TarInfo(folder)
                entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
                tar.addfile(entry)
            for path, target in self.links.items():
                entry = tarfile.TarInfo(path)
                entry.type, entry.linkname = tarfile.SYMTYPE, target
                tar.addfile(entry)
            for path, data in self.files.items():
                _add_file(tar, path, data, 0o755)
        return out.getvalue()


def images(programs: Mapping[str, Path]) -> list[Image]:
    """Those of a cluster of level ``node``; ``programs`` by their names."""
    return [
        Image("pause", {"pause": programs["pause"].read_bytes()}, command=["/pause"], user=NOBODY),
        *(
            Image(
                name,
                {"manager": programs[binary].read_bytes()},
                ["tmp", "etc"],
                command=["/manager"],
                user=NOBODY,
            )
            for name, binary in (("kueue", "kueue"), ("kuberay", "kuberay-operator"))
        ),
        # Nearly empty: pods mount this machine's /usr and a virtual environment into it, so no image of gigabytes is
        # built for tests.
        Image(
            "host",
            {"etc/passwd": b"root:x:0:0:root:/tmp:/bin/sh\nbongsu:x:65532:65532::/tmp:/bin/sh\n"},
            ["usr", "etc", "tmp", "var", "home", "root", "opt", "work", "proc", "sys", "dev"],
            {name: f"usr/{name}" for name in ("bin", "sbin", "lib", "lib64")},
            ["/bin/sh"],
            NOBODY,
        ),
    ]


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _reference(kind: str, data: bytes) -> dict[str, object]:
    return {"mediaType": f"{_OCI}{kind}", "digest": _digest(data), "size": len(data)}


def _add_file(tar: tarfile.TarFile, path: str, data: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(data), mode
    tar.addfile(entry, io.BytesIO(data))
