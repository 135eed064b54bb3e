"""Names of entry-point groups, by which other distributions add to Bongsu."""

from __future__ import annotations

STAGES = "bongsu.stages"
"""Stages that pipelines can use; each names what :func:`bongsu_stages.runtime.stage.stage` made."""
