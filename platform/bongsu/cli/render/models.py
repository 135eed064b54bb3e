"""Registered model versions."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.table import Table

from bongsu.cli.render.quantities import figure, short
from bongsu.cli.render.runs import moment
from bongsu.cli.texts import _
from bongsu.store.records import ModelVersionRecord


def models_view(versions: Sequence[ModelVersionRecord]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in (_("Model"), _("Made by"), _("Use"), _("Label"), _("Figures"), _("Digest"), _("Run"), _("Created")):
        table.add_column(name)
    for version in versions:
        aliases = f" @{', @'.join(version.aliases)}" if version.aliases else ""
        table.add_row(
            f"{version.name}/{version.version}{aliases}",
            version.title,
            version.use_class,
            version.label,
            "\n".join(f"{name} {figure(value)}" for name, value in version.metrics.items()),
            short(version.digest),
            version.run_id,
            moment(version.created_at),
        )
    return table
