"""The pipeline's parameters: read before anything else, because the rest of the file may use them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bongsu.domain.codes import specfile as codes
from bongsu.domain.fieldpath import FieldPath, Finding
from bongsu.domain.links import listed
from bongsu.domain.pipeline import Scalar
from bongsu.domain.scalars import NumberTooLarge, format_scalar, kind_of, parse_scalar
from bongsu.domain.suggest import closest
from bongsu.domain.unseen import first_unseen
from bongsu.specfile.nodes import ListNode, MapNode, Node, ScalarNode, child

NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{0,39}")
PATH: FieldPath = ("spec", "parameters")


@dataclass
class Parameters:
    """Values by name, as the file's defaults and ``--set`` give them.

    Attributes:
        broken: names whose value is unknown because of an error that is reported elsewhere.
        uncertain: some parameter has no usable name, so a name that is not found may be that one's.
    """

    values: dict[str, Scalar] = field(default_factory=dict)
    indices: dict[str, int] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    uncertain: bool = False
    findings: list[Finding] = field(default_factory=list)


def read_parameters(root: MapNode, overrides: Mapping[str, str]) -> Parameters:
    """Defaults out of the file, changed by ``overrides`` (texts, read as the type of the default)."""
    found = Parameters()
    body = child(root, "spec")
    declared = child(body, "parameters") if body is not None else None
    if isinstance(declared, ListNode):
        for index, node in enumerate(declared.items):
            _read_one(node, index, found)
    elif declared is not None:
        found.uncertain = True
    for name, text in overrides.items():
        _override(name, text, found, PATH if declared is not None else ("spec",))
    return found


def _read_one(node: Node, index: int, found: Parameters) -> None:
    name = _scalar(child(node, "name"))
    if not isinstance(name, str) or not NAME.fullmatch(name):
        found.uncertain = True
        return
    if name in found.indices:
        finding = Finding(codes.DUPLICATE_PARAMETER, (*PATH, index, "name"), {"name": name})
        found.findings.append(finding)
        return
    found.indices[name] = index
    default = _scalar(child(node, "default"))
    if default is None:
        found.broken.add(name)
    else:
        found.values[name] = default


def _scalar(node: Node | None) -> Any:
    return node.value if isinstance(node, ScalarNode) else None


def _override(name: str, text: str, found: Parameters, path: FieldPath) -> None:
    if name in found.broken or (name not in found.values and found.uncertain):
        return
    if name not in found.values:
        known = list(found.values)
        fitting = [other for other in known if typed_like(found.values[other], text) is not None]
        args = {"name": name, "known": listed(known), "suggestion": closest(name, fitting)}
        found.findings.append(Finding(codes.UNKNOWN_OVERRIDE, path, args))
        return
    where = (*PATH, found.indices[name], "default")
    character = first_unseen(text)
    if character:
        found.findings.append(Finding(codes.OVERRIDE_CHARACTER, where, {"name": name, "character": character}))
        found.broken.add(name)
        return
    default = found.values[name]
    value = typed_like(default, text)
    if value is None:
        wrong = {"name": name, "value": text, "expected": kind_of(default), "default": format_scalar(default)}
        found.findings.append(Finding(codes.OVERRIDE_TYPE, where, wrong))
        found.broken.add(name)
        return
    found.values[name] = value


def typed_like(default: Scalar, text: str) -> Scalar | None:
    """``text`` as a value of the type of ``default``; None if it is not one."""
    if isinstance(default, str):
        return text
    try:
        value = parse_scalar(text.strip())
    except NumberTooLarge:
        return None
    if isinstance(default, bool):
        return value if isinstance(value, bool) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(default, float):
        return float(value)
    return int(value) if value == int(value) and abs(value) < 2**63 else None
