"""Ten thousand pairs of a person and a thing, no two the same: MLflow shows what the rule of ``oracle_world`` says."""

from __future__ import annotations

from pathlib import Path

import pytest
from governed_postgres import told_by


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_mlflow_shows_of_ten_thousand_pairs_what_the_rule_says(kind: str, tmp_path: Path) -> None:
    judged = told_by("oracle_mlflow.py", kind, tmp_path)
    assert judged["judged"] >= 10_000
    assert judged["judged"] // 10 <= judged["seen"] <= judged["judged"] // 2
