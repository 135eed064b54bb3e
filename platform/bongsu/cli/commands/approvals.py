"""Proposals and what people say to them: ``approvals list``, ``show``, ``propose``, ``approve``, ``reject``,
``withdraw``, ``apply``, ``check``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bongsu.cli.commands.acting import Reason, governance_plane, seconds
from bongsu.cli.commands.shared import AsJson, Ministry
from bongsu.cli.printing import out, say, say_json
from bongsu.cli.texts import _
from bongsu.domain.approval import ApprovalState, LaunchKind, Proposal, ProposalKind
from bongsu.domain.codes import cli as codes
from bongsu.domain.ids import DIGEST_PATTERN, Digest

if TYPE_CHECKING:
    from bongsu.service.governance.documents import ProposalDocument

approvals = typer.Typer(
    help=_("Proposals, and what people decide on them."), no_args_is_help=True, rich_markup_mode=None
)
ProposalId = Annotated[str, typer.Argument(metavar="PROPOSAL", help=_("Id of the proposal."))]
LookedAt = Annotated[
    str, typer.Option("--digest", help=_("Digest of what you looked at, as `bongsu approvals show` prints it."))
]


def add_to(app: typer.Typer) -> None:
    app.add_typer(approvals, name="approvals")


@approvals.command("list", help=_("List proposals, newest first."))
def list_(
    context: typer.Context,
    state: Annotated[
        list[ApprovalState] | None,
        typer.Option(
            help=_(
                "Only proposals that are in this state now; repeatable. What waits is `approved` while as many "
                "approvals count as it needs, and `proposed` while some are lacking."
            )
        ),
    ] = None,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    with governance_plane(context, ministry) as opened:
        found = opened.proposals(state or ())
    if as_json:
        say_json([document(one) for one in found])
        return
    from bongsu.cli.render.governance import proposals_view

    nothing = _("There is no proposal; `bongsu approvals propose` makes one.")
    out().print(proposals_view(found) if found else nothing)


@approvals.command("show", help=_("Show what a proposal binds, and who decided what."))
def show(context: typer.Context, proposal: ProposalId, ministry: Ministry = None, as_json: AsJson = False) -> None:
    with governance_plane(context, ministry) as opened:
        found = opened.proposal(proposal)
    if as_json:
        say_json(document(found))
        return
    from bongsu.cli.render.governance import proposal_view

    out().print(proposal_view(found))


@approvals.command(
    "propose",
    help=_(
        "Propose to promote, transfer or serve a model, or to lower a label; `bongsu models lift` proposes to lift."
    ),
)
def propose(
    context: typer.Context,
    kind: Annotated[ProposalKind, typer.Argument(help=_("What is proposed."))],
    object_: Annotated[
        str,
        typer.Argument(metavar="OBJECT", help=_("model:NAME/VERSION, dataset:NAME/VERSION or artifact:DIGEST.")),
    ],
    target: Annotated[
        str,
        typer.Argument(
            help=_(
                "The alias, the ministry that gets it, the place that serves it, the label, or the suspension's id."
            )
        ),
    ],
    reason: Reason,
    evidence_until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help=_("Day on which the evidence of a model has to be renewed.")),
    ] = None,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.governance.proposing import ProposalRequest

    with governance_plane(context, ministry) as opened:
        ends = seconds(evidence_until) if evidence_until else None
        request = ProposalRequest(opened.ministry, kind, object_, target, reason, ends)
        found = opened.propose(request)
    told(found, as_json)


@approvals.command("approve", help=_("Say yes to exactly what you looked at."))
def approve(
    context: typer.Context,
    proposal: ProposalId,
    digest: LookedAt,
    reason: Annotated[str, typer.Option(help=_("Why; it is recorded for good."))] = "",
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    with governance_plane(context, ministry) as opened:
        found = opened.approve(proposal, looked_at(proposal, digest), reason)
    told(found, as_json)


@approvals.command("reject", help=_("Say no, which ends the proposal."))
def reject(
    context: typer.Context,
    proposal: ProposalId,
    digest: LookedAt,
    reason: Reason,
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    with governance_plane(context, ministry) as opened:
        found = opened.reject(proposal, looked_at(proposal, digest), reason)
    told(found, as_json)


@approvals.command("withdraw", help=_("Take back what you proposed."))
def withdraw(
    context: typer.Context, proposal: ProposalId, reason: Reason, ministry: Ministry = None, as_json: AsJson = False
) -> None:
    with governance_plane(context, ministry) as opened:
        found = opened.withdraw(proposal, reason)
    told(found, as_json)


@approvals.command("apply", help=_("Carry out what enough people have approved."))
def apply(context: typer.Context, proposal: ProposalId, ministry: Ministry = None, as_json: AsJson = False) -> None:
    with governance_plane(context, ministry) as opened:
        found = opened.carry_out(proposal)
    told(found, as_json)


@approvals.command("check", help=_("Say whether a model may be transferred, served or given an alias now."))
def check(
    context: typer.Context,
    kind: Annotated[LaunchKind, typer.Argument(help=_("What it is to be used for."))],
    object_: Annotated[str, typer.Argument(metavar="MODEL", help=_("The model, as model:NAME/VERSION."))],
    target: Annotated[
        str, typer.Argument(help=_("The alias, the ministry that gets it, or the place that serves it."))
    ],
    ministry: Ministry = None,
    as_json: AsJson = False,
) -> None:
    from bongsu.service.governance.launching import LaunchRequest

    with governance_plane(context, ministry) as opened:
        found = opened.check_launch(LaunchRequest(kind, object_, target))
    if as_json:
        say_json(found)
        return
    said = _("{object} may be used so: {kind} {target}.")
    say(said.format(object=found.object, kind=_(found.kind.value), target=found.target))
    say(_("Its bytes were read; they are {digest}, and no others may be used.").format(digest=found.digest))


def looked_at(proposal: str, text: str) -> Digest:
    """Raises ``cli.no-digest`` for what cannot be the digest of a proposal."""
    if DIGEST_PATTERN.fullmatch(text) is None:
        raise codes.NO_DIGEST.error(text=text, proposal=proposal)
    return Digest(text)


def document(proposal: Proposal) -> ProposalDocument:
    """As the server gives it, with the digest that a vote is for."""
    from bongsu.service.governance.documents import proposal_document

    return proposal_document(proposal)


def told(proposal: Proposal, as_json: bool) -> None:
    """What became of a proposal."""
    if as_json:
        say_json(document(proposal))
        return
    from bongsu.cli.render.governance import said_yes, too_few

    say(_("Proposal {proposal}: {said}.").format(proposal=proposal.id, said=said_yes(proposal)))
    if too_few(proposal):
        say(too_few(proposal))
    say(_("It binds {digest}.").format(digest=proposal.binding.digest))
