"""docs/operations.md names every setting, metric and limit as the code has it."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from api_places import ApiPlace

from bongsu.api import connections, requests, serving, whole_reads
from bongsu.api.body_rates import OF_FILES
from bongsu.api.readiness import PATIENCE_S
from bongsu.api.uploads import MOST_OF_ONE, MOST_TAKEN
from bongsu.artifacts.plain_tar import MOST_EXTENDED
from bongsu.cli.app import app
from bongsu.service.observing.executor_gauge import ExecutorGauge
from bongsu.service.observing.metrics import Metrics
from bongsu.service.observing.provider_keys import ProviderKeys
from bongsu.service.observing.reconciling import Watched
from bongsu.service.observing.store_gauges import StoreGauges
from bongsu.service.observing.tracing import Tracing
from bongsu.service.serving import ServerSettings
from bongsu.service.unpacking import MOST_DEEP, MOST_FILES
from bongsu.store.postgres import POOL_SIZE
from bongsu.store.requests import KEPT_S
from bongsu.store.tallies import MOST_COUNTED, MOST_GRANTS

TEXT = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
WORDS = " ".join(TEXT.split())
METRICS = {
    name: (kind.strip(), set(re.findall(r"`(\w+)`", labels)))
    for name, kind, labels in re.findall(r"^\| `(bongsu_\w+)` \| (\w+) \| \w+ \|([^|]*)\|", TEXT, re.M)
}


def option_rows() -> list[tuple[str, str, str]]:
    return re.findall(r"^\| `(--[\w-]+)` \| `(\w+)` \| ([^|]*?) ?\|", TEXT, re.M)


def shown(default: Any) -> str:
    if default is None:
        return ""
    if isinstance(default, bool):
        return "on" if default else "off"
    return f"{default:g}" if isinstance(default, float) else str(getattr(default, "value", default))


def test_every_setting_of_the_server_is_there_with_its_variable_and_default() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, click.Group) or hasattr(group, "commands")
    found = []
    for option in group.commands["serve"].params:  # type: ignore[attr-defined]
        if option.name == "help":
            continue
        found.append((option.opts[0], option.envvar, shown(option.default)))
    assert option_rows() == found
    assert all(variable for _option, variable, _default in found)


def test_defaults_of_the_command_line_are_those_of_the_service() -> None:
    defaults = {one.name: one.default for one in fields(ServerSettings)}
    assert defaults["requests_a_minute"] == 6000
    assert defaults["drain_s"] == 0


def test_every_metric_is_there_with_its_kind_and_labels(tmp_path: Path) -> None:
    place = ApiPlace(tmp_path)
    metrics = Metrics()
    Watched(metrics, Tracing())
    metrics.registry.register(StoreGauges(place.platform))
    metrics.registry.register(ExecutorGauge(place.platform.executor_trouble))
    metrics.registry.register(ProviderKeys([]))
    told = {
        family.name + ("_total" if family.type == "counter" else ""): family.type
        for family in metrics.registry.collect()
        if family.name.startswith("bongsu_")
    }
    place.close()
    assert {name: kind for name, (kind, _labels) in METRICS.items()} == told
    for counted in vars(metrics).values():
        labels = set(getattr(counted, "_labelnames", ()))
        name = getattr(counted, "_name", "")
        if name:
            documented = METRICS.get(name) or METRICS[f"{name}_total"]
            assert documented[1] == labels, name


@pytest.mark.parametrize(
    "words",
    [
        f"{requests.MOST_BYTES:,} bytes",
        f"{connections.MOST_HEAD_BYTES:,} bytes",
        f"| {connections.HEAD_S:g} s | 408, closed",
        f"while some of it waits | {connections.READ_PAUSE_S:g} s | closed",
        f"pause in a body | {requests.BODY_PAUSE_S:g} s",
        f"{OF_FILES.bytes_a_second:,} bytes/s on average, once it was waited for {OF_FILES.after_s:g} s",
        f"{MOST_FILES:,} each; {MOST_DEEP} folders one in another",
        f"GNU's long names) | {MOST_EXTENDED:,} bytes",
        f"unpacked at once | {MOST_TAKEN}, of one person {MOST_OF_ONE};",
        f"lets one be used | {whole_reads.MOST_READ}, of one person {whole_reads.MOST_OF_ONE};",
        f"is there that is no file | {requests.BODY_S:g} s",
        f"rest of a body after its answer | {connections.REST_S:g} s",
        f"forms of signing in {requests.MOST_OF_STRANGERS:,} bytes",
        f"nothing is asked | {serving.KEEP_ALIVE_S} s",
        f"requests under way have {serving.GRACE_S} s",
        f"answers within {PATIENCE_S:g} s",
        f"{MOST_COUNTED:,} means that or more",
        f"the {MOST_GRANTS} that end last",
        f"is known | {KEPT_S / 86_400:.0f} days | afterwards it is as one that was never used |",
        f"`in-use` at {2 * POOL_SIZE}",
    ],
)
def test_limits_are_those_of_the_code(words: str) -> None:
    assert words in WORDS
