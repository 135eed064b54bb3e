"""Help pages in the reader's language, the words that Typer adds to them included."""

from __future__ import annotations

import gettext
from collections.abc import MutableMapping
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from bongsu.cli.failures import EXIT_CODES
from bongsu.cli.texts import LOCALES, _, translate
from bongsu.domain.messages import N_

# Sentences of Typer's own: those above are looked up by itself through gettext, those below it writes as they are.
LOOKED_UP = (N_("Arguments"), N_("Options"), N_("Commands"), N_("required"), N_("default: {default}"))
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


class SpokenCommand(TyperCommand):
    """A command whose help page is in one language."""

    def get_params(self, ctx: Any) -> Any:
        return _spoken(super().get_params(ctx))

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        _write_usage(self, ctx, formatter)


class SpokenGroup(TyperGroup):
    """A group of commands whose help page is in one language."""

    def get_params(self, ctx: Any) -> Any:
        return _spoken(super().get_params(ctx))

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        _write_usage(self, ctx, formatter)


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
        group.cls = SpokenGroup
        if group.typer_instance is not None:
            speak(group.typer_instance, SpokenGroup)


def _spoken(parameters: Any) -> Any:
    """Typer writes the help of options that it adds itself as it is."""
    for parameter in parameters:
        if getattr(parameter, "help", None):
            parameter.help = translate(parameter.help)
    return parameters


def _write_usage(command: Any, context: Any, formatter: Any) -> None:
    pieces = " ".join(command.collect_usage_pieces(context))
    formatter.write_usage(context.command_path, pieces, prefix=f"{_('Usage')}: ")
