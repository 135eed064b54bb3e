"""What Typer objects to on a command line, as problems with codes and in the reader's language.

Typer's classes of errors are private; their names and attributes tell what is meant.
"""

from __future__ import annotations

import re
from typing import Any

from typer.exceptions import TyperException

from bongsu.domain.codes import cli as codes
from bongsu.domain.problems import Problem
from bongsu.domain.suggest import closest

_NO_COMMAND = re.compile(r"No such command '(.*)'\.", re.DOTALL)
_EXTRA = re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", re.DOTALL)
_CHOICE = re.compile(r".*is not one of (.*?)\.?$", re.DOTALL)
_RANGE = re.compile(r".*Input should be (greater|less) than or equal to (\S+)", re.DOTALL)


def help_asked_by_silence(error: TyperException) -> str | None:
    """The help, if a command that needs more words was given none."""
    return error.format_message() if type(error).__name__ == "NoArgsIsHelpError" else None


def usage_problem(error: TyperException) -> Problem:
    """The problem that this error of Typer stands for."""
    given: Any = error
    context = getattr(given, "ctx", None)
    command = str(getattr(context, "command_path", "bongsu"))
    kind = type(error).__name__
    if kind == "NoSuchOption":
        known = [name for parameter in context.command.params for name in parameter.opts] if context else []
        suggestion = closest(given.option_name, known)
        return codes.UNKNOWN_OPTION.at(option=given.option_name, command=command, suggestion=suggestion)
    if kind == "MissingParameter" and given.param is not None:
        return codes.MISSING_ARGUMENT.at(argument=_name(given.param), command=command)
    if kind == "BadOptionUsage":
        return codes.MISSING_VALUE.at(option=given.option_name, command=command)
    if kind == "BadParameter" and given.param is not None:
        return _bad_value(given, command)
    found = _NO_COMMAND.match(error.format_message())
    if found:
        suggestion = closest(found[1], getattr(context.command, "commands", ())) if context else None
        return codes.UNKNOWN_COMMAND.at(name=found[1], command=command, suggestion=suggestion)
    found = _EXTRA.match(error.format_message())
    if found:
        return codes.EXTRA_ARGUMENT.at(argument=found[1], command=command)
    return codes.WRONG_USAGE.at(detail=error.format_message().rstrip("."), command=command)


def _bad_value(error: Any, command: str) -> Problem:
    name = _name(error.param)
    found = _CHOICE.match(error.message)
    if found:
        return codes.BAD_CHOICE.at(name=name, known=found[1].replace("'", ""), command=command)
    found = _RANGE.match(error.message)
    if found:
        code = codes.TOO_SMALL if found[1] == "greater" else codes.TOO_LARGE
        return code.at(name=name, limit=found[2], command=command)
    if "valid integer" in error.message:
        return codes.NOT_A_NUMBER.at(name=name, command=command)
    return codes.BAD_VALUE.at(name=name, detail=error.message.rstrip("."), command=command)


def _name(parameter: Any) -> str:
    """``--limit`` of an option, ``FILE`` of an argument."""
    is_option = parameter.param_type_name == "option"
    return str(parameter.opts[0]) if is_option else str(parameter.name).upper()
