"""Starting Python programs of ours, wherever somebody stands."""

from __future__ import annotations

import sys


def python_command(module: str, *arguments: str, interpreter: str = sys.executable) -> list[str]:
    """The command that runs ``module`` as a program.

    Files of the directory in which it is started are not taken for modules: somebody's ``random.py`` would be
    imported in place of Python's.

    Args:
        module: name of an installed module.
        arguments: what it is given.
        interpreter: a Python of this one's version or later, which knows ``-P`` (3.11).
    """
    return [interpreter, "-P", "-m", module, *arguments]
