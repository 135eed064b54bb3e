"""Use classes as arguments: one of the list, or a name that the control plane is to refuse and to record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import typer

from bongsu.domain.uses import UseClass


class Outside(str):
    """A name that is on no list and stands for what is outside of every class."""


def named(text: str) -> str:
    """A :class:`UseClass`, or a name :class:`Outside`. What is only mistyped is answered with the list."""
    try:
        return UseClass(text)
    except ValueError:
        from bongsu.service.governance.declaring import is_outside

        if is_outside(text):
            return Outside(text)
        known = ", ".join(f"'{one.value}'" for one in UseClass)
        raise typer.BadParameter(f"{text!r} is not one of {known}.") from None


def _suggested(incomplete: str) -> Iterator[str]:
    return (one.value for one in UseClass if one.value.startswith(incomplete))


def taken(said: str) -> dict[str, Any]:
    """What an argument or an option states that takes such a name; ``said`` is its help, to which the list is added."""
    return {
        "parser": named,
        "metavar": "CLASS",
        "autocompletion": _suggested,
        "help": f"{said} ({', '.join(UseClass)})",
    }


def listed(name: str, refuse: Callable[[str], object]) -> UseClass:
    """The use class of that name; ``refuse`` raises of one that is outside of every class."""
    if isinstance(name, Outside):
        refuse(name)
    return UseClass(name)
