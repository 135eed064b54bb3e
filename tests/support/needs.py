"""What a test needs of the machine that it runs on."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def lacks(what: str) -> NoReturn:
    """End a test whose machine lacks something: it is skipped, but for CI, where it fails.

    Args:
        what: that is needed, and how to get it.
    """
    words = f"needs {what}"
    if os.environ.get("CI"):
        pytest.fail(words)
    pytest.skip(words)
