"""What compression writes goes through streams, which are hashed and sent on while they are written."""

from __future__ import annotations

from typing import Any

import pytest

from bongsu_stages.runtime.context import StageContext

STAGES = [("compress.expert-prune", {"keepFraction": 0.5}), ("compress.quantize", {"scheme": "FP8"})]


class Streams:
    """A writer that lends no directory."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    @property
    def directory(self) -> None:
        raise AssertionError("files that lie in a directory are read again when the tree is committed")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)


@pytest.mark.parametrize(("uses", "params"), STAGES)
def test_compression_needs_no_directory(
    bench: Any, monkeypatch: pytest.MonkeyPatch, uses: str, params: dict[str, Any]
) -> None:
    output = StageContext.output
    monkeypatch.setattr(StageContext, "output", lambda ctx, port: Streams(output(ctx, port)))
    inputs = {"model": [bench.model]}
    if uses == "compress.expert-prune":
        inputs["calibration"] = [bench.few]
    made = bench.runner.made(uses, params, inputs)
    before, after = (bench.directory(digest) for digest in (bench.model[2], made.outputs["model"].digest))
    names = {path.relative_to(before) for path in before.rglob("*") if path.is_file()}
    assert names <= {path.relative_to(after) for path in after.rglob("*") if path.is_file()}
