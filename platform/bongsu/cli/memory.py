"""What a command that is over in a moment need not do."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collecting() -> Iterator[None]:
    """Look for no garbage meanwhile: importing libraries and planning thousands of stages makes many objects that stay,
    and going through them again and again takes a fifth of the time. What is garbage ends with the process."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
