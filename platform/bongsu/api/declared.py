"""Names that a body gives for use classes, and that stand for what is outside of every class: refused as a purpose in
words is, and recorded, whatever else is wrong with the body and whoever sends it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from bongsu.api.requests import request_id
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.tenants import Tenant
from bongsu.domain.uses import UseClass
from bongsu.policy.purpose import problems, screen_class
from bongsu.service.control_plane import ControlPlane
from bongsu.service.governance.declaring import class_object
from bongsu.service.recording import Ask, record_refusal

_LISTED = frozenset(one.value for one in UseClass)


@dataclass(frozen=True)
class Declaration:
    """What is tried with a body that names use classes.

    Attributes:
        action: as the log names it.
        ministry: key of the ministry whose log tells of it.
    """

    action: str
    ministry: str = "ministry"


def outside_every_class(document: Mapping[str, Any], keys: Collection[str]) -> list[Problem]:
    """One problem for each of the keys that names such a thing, or a list with one."""
    return [
        problem
        for key in sorted(keys)
        for name in _unlisted(document.get(key))
        for problem in problems({key: name}, screen_class)
    ]


def record_declaration(
    request: Request, declares: Declaration, document: Mapping[str, Any], error: BongsuError
) -> None:
    """What was refused of such a body. Routes take the asker before the body, so it is known who asks."""
    plane: ControlPlane = request.app.state.plane
    ministry = document.get(declares.ministry)
    asked = Ask(
        plane.base,
        request.state.actor,
        tenant=Tenant(ministry if isinstance(ministry, str) else ""),
        action=declares.action,
        object=class_object(error),
        request_id=request_id(request),
    )
    record_refusal(asked, error)


def _unlisted(value: Any) -> Iterator[str]:
    for name in value if isinstance(value, list) else [value]:
        if isinstance(name, str) and name not in _LISTED:
            yield name
