"""What libyaml complains of, in sentences that help."""

from __future__ import annotations

import re

import yaml

from bongsu.domain.codes import specfile as codes
from bongsu.domain.messages import N_
from bongsu.domain.phrases import Verbatim
from bongsu.domain.problems import Problem
from bongsu.specfile.tabs import tabs_in
from bongsu.specfile.text import place_of

_QUOTE = N_("Put the text into quotes.")
_CORRECT = N_("Correct this line or the one above it.")
_KNOWN: tuple[tuple[str, str, str], ...] = (
    # part of libyaml's message, what to say, what to do
    (
        "mapping values are not allowed",
        N_("a second colon stands in one line, or this line is indented too far"),
        N_("Put a text with a colon into quotes, or give this line the indentation of the keys it belongs to."),
    ),
    (
        "could not find expected ':'",
        N_("a key stands here without a colon"),
        N_("Write it as KEY: VALUE, and a text of several lines after | on its key."),
    ),
    (
        "did not find expected key",
        N_("this line fits no level above it"),
        N_("Indent it like the keys it belongs to."),
    ),
    (
        "did not find expected '-' indicator",
        N_("a list ends here with something that is no item"),
        N_("Start the line with - or indent it otherwise."),
    ),
    (
        "block sequence entries are not allowed",
        N_("a list cannot start here"),
        N_("Start it on a line of its own."),
    ),
    (
        "did not find expected ',' or ']'",
        N_("a list in brackets is not closed"),
        N_("Close it with ]; inside brackets, put texts with any of [ ] { } , into quotes."),
    ),
    (
        "did not find expected ',' or '}'",
        N_("a mapping in braces is not closed"),
        N_("Close it with }; inside braces, put texts with any of [ ] { } , into quotes, such as '${params.x}'."),
    ),
    ("found unexpected end of stream", N_("a quote is not closed"), N_("Close it.")),
    ("found unexpected document indicator", N_("a quote is not closed before ---"), N_("Close it.")),
    (
        "found unknown escape character",
        N_("this escape is not known"),
        N_("Use single quotes, or write \\\\ for a \\."),
    ),
    ("found character that cannot start any token", N_("a text cannot start with this character"), _QUOTE),
    ("did not find expected alphabetic or numeric character", N_("& or * needs a name behind it"), _QUOTE),
    (
        "found incompatible YAML document",
        N_("this version of YAML is not known"),
        N_("Use YAML 1.2, or no %YAML line."),
    ),
)


MAX_TABS = 20


def syntax_problems(error: yaml.YAMLError, text: str, file: str) -> list[Problem]:
    """The problem for an error of libyaml, where it noticed it. If that is a tab, all others are told with it: one
    seldom comes alone."""
    first = _problem(error, text, file)
    if first.code is not codes.TAB:
        return [first]
    tabs = [codes.TAB.at(place_of(text, index, file)) for index in tabs_in(text)[:MAX_TABS]]
    others = [problem for problem in tabs if problem.location != first.location]
    return sorted([first, *others], key=lambda problem: problem.location.line if problem.location else 0)


def _problem(error: yaml.YAMLError, text: str, file: str) -> Problem:
    message = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if "unexpected end of stream" in message and getattr(error, "context_mark", None):
        mark = getattr(error, "context_mark", None)  # where the quote was opened
    index = min(mark.index, len(text)) if mark is not None else 0
    where = place_of(text, index, file)
    if text[index : index + 1] == "\t" or "tab character" in message:
        return codes.TAB.at(where)
    if "maximum nesting depth" in message:
        return codes.TOO_DEEP.at(where, limit=64)
    tabbed = _tab_before(text, index)
    if tabbed is not None:
        return codes.TAB.at(place_of(text, tabbed, file))
    for part, detail, hint in _KNOWN:
        if part in message:
            return codes.SYNTAX.at(where, detail=Verbatim(detail), hint=Verbatim(hint))
    return codes.SYNTAX.at(where, detail=message.rstrip("."), hint=Verbatim(_CORRECT))


def _tab_before(text: str, index: int) -> int | None:
    """A tab in the indentation of the line of ``index``."""
    start = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    indentation = re.compile(r"[ \t]*").match(text, start)
    at = text.find("\t", start, indentation.end() if indentation else start)
    return at if at >= 0 else None
