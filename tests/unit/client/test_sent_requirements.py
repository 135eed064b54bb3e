"""Which requirements files go with a pipeline to a server."""

from __future__ import annotations

from pathlib import Path

from bongsu.client.uploading import files_beside
from bongsu.service.catalogue import InstalledStages
from bongsu.specfile import loads

PIPELINE = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: sample, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Draft and search documents}
  stages:
    - {name: a, uses: probe, environment: {requirements: ./own.txt}}
    - {name: b, uses: probe, environment: {requirements: nowhere.txt}}
    - {name: c, uses: probe}
"""


def test_each_file_that_is_included_goes_by_its_own_path(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    contents = {
        "own.txt": "-r below/more.txt\n-r https://example.org/x.txt\n",
        "below/more.txt": "-c ../bounds.txt\n-r ../own.txt\n",
        "bounds.txt": "one==1\n",
    }
    for name, text in (contents | {"not-named.txt": ""}).items():
        (tmp_path / name).write_text(text)
    loaded = loads(PIPELINE, "pipeline.yaml", InstalledStages(), {})
    assert files_beside(loaded, tmp_path) == contents
