"""Rules, registers, permits and proposals, each in a few lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from bongsu.cli.render.runs import moment
from bongsu.cli.texts import _, translate
from bongsu.domain.approval import ApprovalState, Proposal
from bongsu.domain.data_permits import DatasetPermit, SharedObject
from bongsu.domain.quantities import short
from bongsu.domain.suspension import Suspension
from bongsu.domain.use_register import PermittedUse
from bongsu.service.governance.explaining import ExplainedRule


def rules_view(rules: Sequence[ExplainedRule], *, whole: bool) -> RenderableType:
    """Each rule with what it says; of one that was asked for, all there is."""
    lines: list[Text] = []
    for rule in rules:
        lines += [Text(rule.name, style="bold"), Text(f"  {translate(rule.says)}")]
        if whole:
            facts = ", ".join(translate(fact) for fact in rule.facts)
            lines += [
                _field(_("Looks at"), facts),
                _field(_("Applied"), translate(rule.run)),
                _field(_("Source"), rule.source),
            ]
    return Group(*lines)


def uses_view(uses: Sequence[PermittedUse]) -> RenderableType:
    lines = []
    for use in uses:
        head = Text(use.id, style="bold")
        head.append(f"  {use.ministry} · {use.use_class.value} · {_('tier')} {use.tier.value}", style="")
        lines += [head, _times(use.begins_at, use.until, use.owner), Text(f"  {use.statement}")]
        if use.conditions:
            lines.append(_field(_("Conditions"), use.conditions))
        ends = f" – {moment(use.evidence.ends_at)}" if use.evidence.ends_at is not None else ""
        lines.append(
            _field(
                _("Evidence"),
                f"{use.evidence.reference or _('not shown to you')}, {moment(use.evidence.dated_at)}{ends}",
            )
        )
    return Group(*lines)


def permits_view(data: Sequence[DatasetPermit], shared: Sequence[SharedObject]) -> RenderableType:
    lines = []
    for permit in data:
        head = Text(permit.id, style="bold")
        head.append(f"  {permit.tenant} · {permit.name}/{permit.version} · {short(permit.digest)}", style="")
        lines += [head, _times(permit.begins_at, permit.until, permit.custodian)]
        lines.append(_field(_("Purposes"), ", ".join(sorted(use.value for use in permit.use_classes))))
        lines.append(_field(_("Card"), permit.card or _("not shown to you")))
    for share in shared:
        head = Text(share.id, style="bold")
        head.append(f"  {share.object} · {share.giver} → {share.ministry} · {share.purpose.value}", style="")
        lines += [head, _times(share.begins_at, share.until, share.given_by)]
    return Group(*lines)


def suspensions_view(found: Sequence[Suspension]) -> RenderableType:
    """Three lines for each; one that was lifted says when."""
    lines = []
    for one in found:
        head = Text(one.id, style="bold")
        head.append(f"  {one.tenant} · {one.object}", style="")
        if one.lifted_at is not None:
            said = Text("  " + _("Lifted {moment}").format(moment=moment(one.lifted_at)), style="green")
        else:
            said = Text("  " + _("suspended"), style="red")
        since = f" · {moment(one.suspended_at)} · {one.suspended_by}"
        lines += [head, said.append(since, style="dim"), _field(_("Reason"), one.reason or _("not shown to you"))]
    return Group(*lines)


def proposals_view(found: Sequence[Proposal]) -> RenderableType:
    return Group(*[line for proposal in found for line in _head(proposal)])


def proposal_view(proposal: Proposal) -> RenderableType:
    """All that is bound, in the order in which it is hashed, and what was decided."""
    bound = proposal.binding
    lines = [
        *_head(proposal),
        _field(_("Reason"), proposal.reason),
        _field(_("Digest"), bound.digest),
        _field(_("Bytes"), bound.content),
        *(_field(_("Evidence"), digest) for digest in bound.evidence),
        _field(_("Plan"), bound.plan_hash or "-"),
        _field(_("Label"), bound.label),
    ]
    if bound.use_class:
        lines.append(_field(_("Use class"), bound.use_class))
    if bound.evidence_ends_at:
        lines.append(_field(_("Evidence until"), moment(bound.evidence_ends_at)))
    for vote in proposal.votes:
        said = f"{_(vote.choice.value)} · {vote.person} · {moment(vote.voted_at)}"
        if vote.counts is not None:
            said += f" · {_counted(vote.counts, proposal.state.is_open)}"
        lines.append(Text(f"  {said}" + (f" · {vote.reason}" if vote.reason else "")))
    if proposal.submitters:
        lines.append(_field(_("Submitted by"), ", ".join(sorted(proposal.submitters))))
    return Group(*lines)


def _counted(counts: bool, is_open: bool) -> str:
    if is_open:
        return _("counts") if counts else _("does not count now")
    return _("counted") if counts else _("did not count")


def _head(proposal: Proposal) -> list[Text]:
    bound = proposal.binding
    head = Text(proposal.id, style="bold")
    head.append(f"  {_(bound.kind.value)} {bound.object} → {bound.target}", style="")
    lines = [
        head,
        Text(f"  {said_yes(proposal)} · {proposal.proposer} · {moment(proposal.proposed_at)}", style="dim"),
    ]
    short = too_few(proposal)
    return [*lines, Text(f"  {short}", style="yellow")] if short else lines


def said_yes(proposal: Proposal) -> str:
    """Its state, and how many have said yes: of one that waits, those whose approval counts."""
    if proposal.state.is_open:
        text, have = _("{state}, {have} of {needs} approvals count now"), len(proposal.counting)
    else:
        text, have = _("{state}, {have} of {needs} have approved"), len(proposal.deciders)
    return text.format(state=_(proposal.state.value), have=have, needs=proposal.needs)


def too_few(proposal: Proposal) -> str:
    """That it was approved and is not any more; empty if that is not so."""
    if proposal.state is not ApprovalState.APPROVED or proposal.has_enough:
        return ""
    return _("It was approved, and fewer approvals count now than it needs: it is not carried out like that.")


def _times(begins: float, until: float, who: str) -> Text:
    return Text(f"  {moment(begins)} – {moment(until)} · {who}", style="dim")


def _field(name: str, value: str) -> Text:
    return Text(f"  {name}: {value}")
