"""Use classes that somebody names and the list has not: what is refused of them is on record, whatever it was for."""

from __future__ import annotations

from typing import NoReturn

from bongsu.domain.codes.policy import FORBIDDEN_USE
from bongsu.domain.problems import BongsuError
from bongsu.policy.purpose import problems, screen_class
from bongsu.service.platform import Platform
from bongsu.service.recording import Ask, record_refusal

# Of a name that is none, in the log.
_SHOWN = 60


def is_outside(name: str) -> bool:
    """Whether a name that is not listed stands for what is outside of every class, and is no mistake in writing."""
    return screen_class(name) is not None


def class_object(error: BongsuError) -> str:
    """How the log calls what was named; of an error that holds ``policy.forbidden-use``."""
    words = next(str(one.args["words"]) for one in error.problems if one.code is FORBIDDEN_USE)
    return f"use-class:{words:.{_SHOWN}}"


def refuse_class(platform: Platform, name: str, action: str) -> NoReturn:
    """Refuse a name that :func:`is_outside`, in a home. Raises ``policy.forbidden-use``, which is recorded.

    Args:
        platform: of the home.
        name: that was given.
        action: what it was given for, as the log names it.
    """
    error = BongsuError(problems({"useClass": name}, screen_class))
    record_refusal(Ask.of(platform, action, class_object(error)), error)
    raise error
