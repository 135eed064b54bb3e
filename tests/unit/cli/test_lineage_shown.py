"""A lineage as text: whole, each thing once, and readable however deep it is."""

from __future__ import annotations

import json
import os
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from cli_shell import Shell
from rich.cells import cell_len

from bongsu.cli.console import EscapingConsole
from bongsu.cli.render.lineage import MAX_DEPTH, lineage_view
from bongsu.domain.lineage import EdgeKind, NodeKind
from bongsu.service.datasets import register_dataset
from bongsu.service.embedded import open_home
from bongsu.service.lineage import Direction, LineageGraph
from bongsu.store.lineage import Edge, Node, put_edges, put_nodes
from bongsu.store.node_ids import artifact_node, input_node

DIGEST = "a" * 64


def printed(graph: LineageGraph) -> str:
    console = EscapingConsole(file=StringIO(), width=80, highlight=False, emoji=False, markup=False)
    console.print(lineage_view(graph))
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def chain(length: int, direction: Direction = "upstream") -> LineageGraph:
    names = [f"stage:r/{n:05}" for n in range(length)]
    nodes = tuple(Node(name, NodeKind.RUN_STAGE, f"s{name[-5:]}", "O", {}) for name in names)
    pairs = ((b, a) if direction == "upstream" else (a, b) for a, b in pairwise(names))
    return LineageGraph(names[0], direction, nodes, tuple(Edge(a, b, EdgeKind.USED) for a, b in pairs))


@pytest.mark.parametrize("direction", ["upstream", "downstream"])
def test_a_chain_of_five_thousand_is_shown_whole_within_80_columns(direction: Direction) -> None:
    text = printed(chain(5000, direction))
    assert max(cell_len(line) for line in text.splitlines()) <= 80
    for n in range(5000):
        assert f"s{n:05} [O]" in text
    assert text.count("s02500") <= 2, "where it goes on, and once before"


def test_what_is_too_deep_goes_on_in_a_tree_of_its_own() -> None:
    assert "goes on below" not in printed(chain(MAX_DEPTH + 1))
    lines = [line.rstrip() for line in printed(chain(MAX_DEPTH + 3)).splitlines()]
    (cut,) = [line for line in lines if line.endswith("(goes on below)")]
    name = cut.split("└── ")[1].removesuffix(" (goes on below)")
    assert lines.index(name) == lines.index(cut) + 1
    assert len(lines) == MAX_DEPTH + 4


def test_an_artifact_stands_with_its_maker_and_what_is_met_again_is_only_named() -> None:
    nodes = (
        Node("version:m/1", NodeKind.MODEL_VERSION, "m/1", "S", {}),
        Node(f"artifact:sha256-{DIGEST}", NodeKind.ARTIFACT, "adapt", "S", {}),
        Node("stage:r-1/adapt", NodeKind.RUN_STAGE, "adapt", "S", {}),
        Node("stage:r-1/register", NodeKind.RUN_STAGE, "register", "S", {}),
    )
    edges = (
        Edge(f"artifact:sha256-{DIGEST}", "version:m/1", EdgeKind.REGISTERED),
        Edge("stage:r-1/adapt", f"artifact:sha256-{DIGEST}", EdgeKind.MADE),
        Edge("stage:r-1/register", "version:m/1", EdgeKind.REGISTERED),
        Edge(f"artifact:sha256-{DIGEST}", "stage:r-1/register", EdgeKind.USED),
    )
    lines = [line.rstrip() for line in printed(LineageGraph("version:m/1", "upstream", nodes, edges)).splitlines()]
    assert lines == [
        "m/1 [S]",
        f"├── adapt [S]  {DIGEST[:12]}  r-1/adapt",
        "└── register [S]  r-1/register",
        "    └── adapt (see above)",
    ]


def test_without_a_direction_both_are_shown_and_in_json_as_one_graph(shell: Shell, tmp_path: Path) -> None:
    platform = open_home(tmp_path / "home", os.environ)
    (tmp_path / "law.txt").write_text("제1조")
    version = register_dataset(platform, "law", "file:law.txt", tmp_path)
    here = artifact_node(version.digest)
    with platform.database.write() as connection:
        nodes = [
            Node(input_node("file:law.txt"), NodeKind.INPUT, "file:law.txt", "O", {}),
            Node(here, NodeKind.ARTIFACT, "inputs.law", "O", {}),
        ]
        put_nodes(connection, nodes)
        put_edges(connection, [Edge(nodes[0].id, here, EdgeKind.RESOLVED)], "r-1", 0.0)
    platform.close()
    digest = version.digest.removeprefix("sha256-")
    words: tuple[str, ...]
    for words, up, down in (((), 1, 1), (("--upstream",), 1, 0), (("--downstream",), 0, 1)):
        said = shell("lineage", digest, *words).out
        assert (said.count("file:law.txt") > 0, said.count("Nothing was made from it.")) == (up, down)
    assert json.loads(shell("lineage", digest, "--json").out)["direction"] == "both"
    for address in ("datasets:/law/1", "datasets:/law"):
        assert shell("lineage", address).out == shell("lineage", digest).out
    said = shell("lineage", "datasets:/law/2")
    assert (said.status, "run.unknown-dataset" in said.error) == (3, True)


def test_that_there_is_nothing_is_said() -> None:
    assert "Nothing was made from it." in printed(LineageGraph("version:m/1", "downstream", (), ()))
