"""Merging what a site says into what we write."""

from __future__ import annotations

from typing import Any


def merged(ours: Any, site: Any) -> Any:
    """``ours`` with what ``site`` says besides or instead.

    As a JSON merge patch (RFC 7396): what is None there is taken out, objects are merged. Of lists whose items all have
    a ``name`` those of one name are merged and others added, as in Kubernetes' own patches; any other list is replaced.
    """
    if isinstance(ours, dict) and isinstance(site, dict):
        kept = {key: value for key, value in ours.items() if key not in site}
        changed = {key: merged(ours.get(key), value) for key, value in site.items() if value is not None}
        return {**kept, **changed}
    if isinstance(site, dict):
        return merged({}, site)
    if _is_named(ours) and _is_named(site):
        said = {item["name"]: item for item in site}
        there = {item["name"] for item in ours}
        changed_items = [merged(item, said.get(item["name"], {})) for item in ours]
        return [*changed_items, *(merged({}, item) for item in site if item["name"] not in there)]
    return site


def _is_named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) and "name" in item for item in value)
