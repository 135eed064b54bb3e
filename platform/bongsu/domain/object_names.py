"""What people call a thing that is decided on, in any spelling that some command prints or takes; and the one that is
kept: ``model:NAME/3``, ``dataset:NAME/1``, ``artifact:sha256-...``."""

from __future__ import annotations

import re

_TREE = re.compile(r"(?:artifact:)?(?P<digest>sha256-[0-9a-f]{64})")
_NAMED = re.compile(r"(?:(?P<kind>model|dataset)(?:s:/|:))?(?P<name>[^/|:@\s]+)[/@](?P<version>[1-9][0-9]{0,8})")

_ONE = re.compile(r"artifact:sha256-[0-9a-f]{64}|(?:model|dataset):[^/|:@\s]+/[1-9][0-9]{0,8}")


def object_name(text: str, unmarked: str = "model") -> str:
    """In the one spelling; as it is, if it is none of these: who looks for it refuses it.

    Args:
        text: e.g. ``axk1/3``, ``axk1@3``, ``models:/axk1/3``, ``datasets:/law/1``, or a digest.
        unmarked: what a name is of that does not say so.
    """
    text = text.strip()
    if tree := _TREE.fullmatch(text):
        return f"artifact:{tree['digest']}"
    if named := _NAMED.fullmatch(text):
        return f"{named['kind'] or unmarked}:{named['name']}/{named['version']}"
    return text


def is_object(text: str) -> bool:
    """Whether it is in the one spelling."""
    return _ONE.fullmatch(text) is not None
