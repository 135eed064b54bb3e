"""Entries of the audit log, and what a verification found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from bongsu.cli.render.runs import moment
from bongsu.cli.texts import _, said
from bongsu.domain.audit import AuditOutcome
from bongsu.domain.phrases import Words
from bongsu.service.audit.reading import Entry
from bongsu.service.audit.verdict import Verdict

_HASH_DIGITS = 16


def entries_view(entries: Sequence[Entry]) -> RenderableType:
    """Two lines for each, so that a terminal of 80 columns holds them."""
    return Group(*[line for entry in entries for line in _lines(entry)])


def _lines(entry: Entry) -> Iterator[Text]:
    head = Text(f"{entry.position:>6}  ", style="bold")
    if entry.content is None and entry.text is not None:
        head.append(_("tells of nothing any more: somebody changed it"), "red")
        yield head
        return
    if entry.content is None:
        head.append(_("above your clearance; its leaf is {leaf}…").format(leaf=entry.leaf[:_HASH_DIGITS]), "dim")
        yield head
        return
    content: dict[str, Any] = entry.content
    head.append(f"{content['action']}  {content['object']}", style="")
    if content.get("outcome") == AuditOutcome.REFUSED:
        head.append(f"  {_('refused')}", style="red")
    yield head
    when = moment(datetime.fromisoformat(content["at"]).timestamp())
    yield Text(f"        {when} · {content['actor']} · {_('Label')} {content['label']}", style="dim")


def verdict_view(verdict: Verdict) -> RenderableType:
    """What is proved, and what is not."""
    return Group(*_section(_("Proved"), verdict.proved), *_section(_("Not proved"), verdict.unproved))


def _section(title: str, sentences: Sequence[Words]) -> Iterator[Text]:
    if sentences:
        yield Text(title, style="bold")
        for one in sentences:
            yield Text(f"  - {said(one)}")
