"""Help pages in the reader's language, the words that Typer adds to them included."""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable, MutableMapping
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from bongsu.cli.columns import two_columns
from bongsu.cli.failures import EXIT_CODES
from bongsu.cli.texts import _, translate
from bongsu.domain.codes import cli as codes
from bongsu.domain.messages import N_
from bongsu.language.translation import LOCALES, known_language

# Sentences of Typer's own: those above are looked up by itself through gettext, those below it writes as they are.
LOOKED_UP = (N_("Arguments"), N_("Options"), N_("Commands"), N_("required"), N_("default: {default}"))
KINDS = (N_("int range"), N_("int"), N_("str"), N_("path"), N_("list"))
_KIND = re.compile(rf"(?<=[<\[])(?:{'|'.join(KINDS)})(?=[>\[\]])")
WRITTEN = (
    N_("Usage"),
    N_("Show this message and exit."),
    N_("Install completion for the current shell."),
    N_("Show completion for the current shell, to copy it or customize the installation."),
)


def bind_library_texts(language: str, environment: MutableMapping[str, str]) -> None:
    """Let Typer, which speaks through gettext's global domain, find its sentences in our catalogue.

    Args:
        language: ``ko`` or ``en``.
        environment: gettext reads the language from this process' environment, and from nowhere else.
    """
    gettext.bindtextdomain("bongsu", LOCALES)
    gettext.textdomain("bongsu")
    environment["LANGUAGE"] = language


def check_language(value: str | None) -> str | None:
    """Texts were chosen before the commands were declared; here it is only said that a choice is none.

    Raises ``cli.unknown-language``.
    """
    if value is not None and known_language(value) is None:
        raise codes.UNKNOWN_LANGUAGE.error(language=value)
    return value


class SpokenCommand(TyperCommand):
    """A command whose help page is in one language, which may be chosen behind it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = _without_language(ctx, args)
        if not ctx.resilient_parsing and any(one == "" or one.endswith("=") for one in given):
            _refuse_empty(self, ctx, given)
        return super().parse_args(ctx, given)

    def get_params(self, ctx: Any) -> Any:
        return _spoken(super().get_params(ctx))

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        _write_usage(self, ctx, formatter)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, _in_cells(formatter))


class SpokenGroup(TyperGroup):
    """A group of commands whose help page is in one language, which may be chosen behind its name."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # The group of all commands has the option itself, and shows it in its help.
        return super().parse_args(ctx, args if ctx.parent is None else _without_language(ctx, args))

    def get_params(self, ctx: Any) -> Any:
        return _spoken(super().get_params(ctx))

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        _write_usage(self, ctx, formatter)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, _in_cells(formatter))


class ListingGroup(SpokenGroup):
    """A group whose ``list`` is meant where no command is named: ``bongsu models NAME`` lists."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given = _without_language(ctx, args)
        first = given[0] if given else ""
        listed = given if first in self.commands or first in ("-h", "--help") else ["list", *given]
        return super().parse_args(ctx, listed)


class SpokenProgram(SpokenGroup):
    """The group of all commands, whose help page ends with what an exit status means."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        with formatter.section(_("Exit status")):
            formatter.write_dl([(str(status), _(meaning)) for status, meaning in EXIT_CODES.items()])


def speak(app: typer.Typer, kind: type[SpokenGroup] = SpokenProgram) -> None:
    """Have every command below ``app`` use these classes; called once all of them are declared."""
    app.info.cls = kind
    for command in app.registered_commands:
        command.cls = SpokenCommand
    for group in app.registered_groups:
        own = group.typer_instance.info.cls if group.typer_instance is not None else None
        group.cls = own if isinstance(own, type) and issubclass(own, SpokenGroup) else SpokenGroup
        if group.typer_instance is not None:
            speak(group.typer_instance, group.cls)


def _refuse_empty(command: TyperCommand, context: Any, arguments: list[str]) -> None:
    """What a command needs is no empty text, as of a variable that is not set; a path would be the current folder.

    Raises ``cli.missing-value``, ``cli.missing-argument``.
    """
    values, _left, _order = command.make_parser(context).parse_args(args=list(arguments))
    for parameter in command.params:
        value = values.get(parameter.name)
        if not parameter.required or "" not in (value if isinstance(value, (list, tuple)) else [value]):
            continue
        if parameter.param_type_name == "option":
            raise codes.MISSING_VALUE.error(option=parameter.opts[0], command=context.command_path)
        raise codes.MISSING_ARGUMENT.error(argument=str(parameter.name).upper(), command=context.command_path)


def _without_language(context: Any, arguments: list[str]) -> list[str]:
    """The arguments of a command without ``--lang``, by which its texts were chosen already.

    Raises ``cli.unknown-language``, ``cli.missing-value``.
    """
    left: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            return [*left, argument, *waiting]
        name, equals, value = argument.partition("=")
        if name != "--lang":
            left.append(argument)
            continue
        given = value if equals else next(waiting, None)
        if given is None and not context.resilient_parsing:
            raise codes.MISSING_VALUE.error(option="--lang", command=context.command_path)
        check_language(given)
    return left


def _spoken(parameters: Any) -> Any:
    """Typer writes the help of options that it adds itself, and the kinds of all values, as they are."""
    for parameter in parameters:
        if getattr(parameter, "help", None):
            parameter.help = translate(parameter.help)
        if not isinstance(parameter.display_type_rich, _KindInWords):
            parameter.display_type_rich = _KindInWords(parameter.display_type_rich)
    return parameters


class _KindInWords:
    """In place of the method by which a parameter tells its kind, e.g. ``<list[str]>``; choices stay as typed."""

    def __init__(self, tell: Callable[..., str | None]) -> None:
        self._tell = tell

    def __call__(self, *args: Any, **kwargs: Any) -> str | None:
        told = self._tell(*args, **kwargs)
        return _KIND.sub(lambda match: translate(match[0]), told) if told else told


def _in_cells(formatter: Any) -> Any:
    """Typer measures columns in characters."""

    def write(rows: Any, **_columns: Any) -> None:
        for line in two_columns(list(rows), formatter.width, formatter.current_indent):
            formatter.write(f"{line}\n")

    formatter.write_dl = write
    return formatter


def _write_usage(command: Any, context: Any, formatter: Any) -> None:
    pieces = " ".join(command.collect_usage_pieces(context))
    formatter.write_usage(context.command_path, pieces, prefix=f"{_('Usage')}: ")
