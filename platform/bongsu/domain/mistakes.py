"""What is a mistake of ours, and what others do: a disk, a network, a database, an artifact store, a backend.

What others do is raised as OSError or as BongsuError, whose code says how to mend it; nobody but us is to be blamed for
anything else. A library that may raise whatever it likes for what its server does needs a closer look.
"""

from __future__ import annotations

from bongsu.domain.problems import BongsuError

OTHERS = (OSError, BongsuError)
# Whatever a server answers, these come of a program that was written wrongly.
_MISTAKES = (TypeError, AttributeError, NameError, NotImplementedError, AssertionError)


class MistakeThere(Exception):
    """One that was made in another process of ours; its class has the name that it has there, and its note the
    traceback."""


def is_own(error: Exception) -> bool:
    """Whether an error that came through such a library is ours: it is of a kind that no server brings about, or a line
    of Bongsu raised it, in no words of that library."""
    if isinstance(error, OTHERS):
        return False
    if isinstance(error, (*_MISTAKES, MistakeThere)):
        return True
    return type(error).__module__ == "builtins" and _module_that_raised(error).partition(".")[0] == "bongsu"


def _module_that_raised(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return str(trace.tb_frame.f_globals.get("__name__", "")) if trace is not None else ""
