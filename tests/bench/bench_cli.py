"""How long the command line takes as whole processes, beside a bare interpreter: ``python tests/bench/bench_cli.py``.

Targets: ``--help`` under 0.5 s, ``validate`` of 200 stages under 0.5 s, ``plan`` of 1,000 stages under 2 s.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "support"))

from targets import settle

RUNS = 7
LIBRARIES = "import pydantic, typer, rich.table"
BASE = Path(__file__).parents[2] / "pipelines" / "assets" / "axk1-nano"
BONGSU = Path(sys.executable).with_name("bongsu")
HEAD = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: bench, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Measure how long files take}
  stages:
"""


def chain(stages: int) -> str:
    """A chain of ``stages`` probes."""
    rows = ["    - {name: s0, uses: probe}\n"]
    for number in range(1, stages):
        rows.append(f"    - name: s{number}\n      uses: probe\n      inputs: {{after: s{number - 1}.files}}\n")
        rows.append(f"      with:\n        text: stage {number}\n        seconds: 1.0e-3\n      timeout: 5m\n")
    return HEAD + "".join(rows)


def matrix(rows: int, columns: int) -> str:
    """A stage at each of ``rows * columns`` points of a matrix, and one that gathers them."""
    steps, metric = (", ".join(map(str, range(count))) for count in (rows, columns))
    return (
        HEAD
        + f"    - {{name: first, uses: probe, matrix: {{steps: [{steps}], metric: [{metric}]}}}}\n"
        + "    - {name: second, uses: probe, inputs: {after: first.files}}\n"
    )


def adaptations(count: int) -> str:
    """A chain of trainings, each of which is pruned and quantised: ``2 + 3 * count`` stages."""
    train = "{name: a%d, uses: train.continue, inputs: {model: %s, tokens: tok.tokens}"
    rows = [
        "{name: curate, uses: data.curate, inputs: {documents: inputs.law}}",
        "{name: tok, uses: data.tokenize, inputs: {documents: curate.documents, tokenizer: inputs.base}}",
    ]
    for n in range(count):
        rows += [
            train % (n, f"a{n - 1}.model" if n else "inputs.base")
            + f", with: {{steps: {n + 1}, learningRate: 1e-4}}}}",
            f"{{name: p{n}, uses: compress.expert-prune, inputs: {{model: a{n}.model, calibration: tok.tokens}},"
            " with: {keepFraction: 0.5}}",
            f"{{name: q{n}, uses: compress.quantize, inputs: {{model: p{n}.model}}, with: {{groupSize: 32}}}}",
        ]
    inputs = (
        f'  inputs: {{base: {{model: "file:{BASE}"}}, law: {{dataset: "package:konlpy/konlpy/data/corpus"}}}}\n'
    )
    return HEAD.replace("  stages:\n", f"{inputs}  stages:\n") + "".join(f"    - {row}\n" for row in rows)


def seconds(command: list[str], cwd: str) -> float:
    """Median wall time of a command over RUNS runs, one warm-up first."""
    times = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
        times.append(time.perf_counter() - began)
        if done.returncode:
            raise SystemExit(f"{command} failed:\n{done.stdout}{done.stderr}")
    return statistics.median(times[1:])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "chain.yaml").write_text(chain(200))
        Path(folder, "matrix.yaml").write_text(matrix(25, 40))
        Path(folder, "adaptations.yaml").write_text(adaptations(66))
        rows = [
            ("python -c pass (baseline)", [sys.executable, "-c", "pass"], None),
            (
                "python -c 'import pydantic, typer, rich.table'",
                [sys.executable, "-c", "import pydantic, typer, rich.table"],
                None,
            ),
            ("bongsu --help", [str(BONGSU), "--help"], 0.5),
            ("bongsu validate, 200 stages", [str(BONGSU), "validate", "chain.yaml"], 0.5),
            (
                "bongsu validate, 200 stages of training and compression",
                [str(BONGSU), "validate", "adaptations.yaml"],
                0.5,
            ),
            ("bongsu plan, 1,001 stages", [str(BONGSU), "plan", "matrix.yaml"], 2.0),
        ]
        print(f"{'command':58} {'median s':>9} {'target s':>9}")
        missed: list[str] = []
        for title, command, target in rows:
            took = seconds(command, folder)
            missed += [title] if target and took > target else []
            print(f"{title:58} {took:9.3f} {target if target else '':>9}")
        settle(missed)


if __name__ == "__main__":
    main()
