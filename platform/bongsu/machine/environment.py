"""Variables of this process, for libraries that take a setting in no other way."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def overlaid(changes: Mapping[str, str | None]) -> Iterator[None]:
    """Within the block, this process and those that it starts have these variables, and not those that are None; then
    each is what it was before."""
    before = {name: os.environ.get(name) for name in changes}
    _set(changes)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
