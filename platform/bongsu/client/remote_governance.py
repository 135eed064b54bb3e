"""Uses, permits, approvals and suspensions on a server, as the command line asks for them; and its rules."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote

from bongsu.client.declaring import refuse_class
from bongsu.client.http import Server
from bongsu.client.ministry import in_one_ministry
from bongsu.domain.approval import ApprovalState, Proposal
from bongsu.domain.data_permits import DatasetPermit, SharedObject
from bongsu.domain.documents import plain
from bongsu.domain.ids import Digest
from bongsu.domain.suspension import Suspension
from bongsu.domain.use_register import PermittedUse
from bongsu.service.governance.access_permits import AccessRequest
from bongsu.service.governance.data_permits import DataPermitRequest
from bongsu.service.governance.explaining import ExplainedRule
from bongsu.service.governance.launching import Launch, LaunchRequest
from bongsu.service.governance.proposing import ProposalRequest
from bongsu.service.governance.suspending import StopRequest
from bongsu.service.governance.uses import UseRequest

T = TypeVar("T")


class RemoteGovernance:
    """See :class:`bongsu.service.planes.governance.GovernancePlane`.

    Args:
        server: which.
        ministry: in which the asker acts; their only one if none is named.
    """

    def __init__(self, server: Server, ministry: str | None) -> None:
        self._server = server
        self._named = ministry

    @cached_property
    def ministry(self) -> str:
        """Raises ``access.several-ministries``."""
        return in_one_ministry(self._server, self._named)

    def uses(self) -> Sequence[PermittedUse]:
        return self._all("/v1/uses", PermittedUse)

    def register_use(self, request: UseRequest) -> PermittedUse:
        return self._server.made("/v1/uses", PermittedUse, plain(request))

    def refuse_class(self, name: str, action: str) -> NoReturn:
        refuse_class(self._server, self.ministry, name, action)

    def withdraw_use(self, use: str, reason: str) -> PermittedUse:
        return self._server.made(self._at("uses", use, "withdraw"), PermittedUse, {"reason": reason})

    def data_permits(self) -> Sequence[DatasetPermit]:
        return self._all("/v1/data-permits", DatasetPermit)

    def give_data_permit(self, request: DataPermitRequest) -> DatasetPermit:
        return self._server.made_once("/v1/data-permits", DatasetPermit, plain(request))

    def revoke_data_permit(self, permit: str, reason: str) -> DatasetPermit:
        return self._server.made(self._at("data-permits", permit, "revoke"), DatasetPermit, {"reason": reason})

    def access_permits(self) -> Sequence[SharedObject]:
        return self._all("/v1/access-permits", SharedObject)

    def give_access(self, request: AccessRequest) -> SharedObject:
        return self._server.made_once("/v1/access-permits", SharedObject, plain(request))

    def revoke_access(self, permit: str, reason: str = "") -> SharedObject:
        body = {"reason": reason} if reason else None
        return self._server.made(self._at("access-permits", permit, "revoke"), SharedObject, body)

    def proposals(self, states: Collection[ApprovalState]) -> Sequence[Proposal]:
        wanted = [state.value for state in states]
        return list(self._server.pages("/v1/approvals", Proposal, ministry=self._named, state=wanted))

    def proposal(self, proposal: str) -> Proposal:
        return self._server.get(self._at("approvals", proposal), Proposal)

    def propose(self, request: ProposalRequest) -> Proposal:
        return self._server.made_once("/v1/approvals", Proposal, plain(request))

    def approve(self, proposal: str, digest: Digest, reason: str) -> Proposal:
        return self._decided(proposal, "approve", {"digest": digest, "reason": reason})

    def reject(self, proposal: str, digest: Digest, reason: str) -> Proposal:
        return self._decided(proposal, "reject", {"digest": digest, "reason": reason})

    def withdraw(self, proposal: str, reason: str) -> Proposal:
        return self._decided(proposal, "withdraw", {"reason": reason})

    def carry_out(self, proposal: str) -> Proposal:
        return self._decided(proposal, "apply", None)

    def check_launch(self, request: LaunchRequest) -> Launch:
        wanted = {"kind": request.kind.value, "object": request.object, "target": request.target}
        return self._server.get(self._at("launch-check"), Launch, **wanted)

    def suspensions(self) -> Sequence[Suspension]:
        return self._all("/v1/suspensions", Suspension)

    def suspend(self, request: StopRequest) -> Suspension:
        return self._server.made_once("/v1/suspensions", Suspension, plain(request))

    def propose_lift(self, request: StopRequest) -> Proposal:
        return self._server.made_once("/v1/suspensions/lift", Proposal, plain(request))

    def _decided(self, proposal: str, act: str, body: Any) -> Proposal:
        return self._server.made(self._at("approvals", proposal, act), Proposal, body)

    def _all(self, path: str, kind: type[T]) -> list[T]:
        return list(self._server.pages(path, kind, ministry=self._named))

    def _at(self, *parts: str) -> str:
        """Below the ministry in which the asker acts."""
        return "/".join(["/v1/ministries", *(quote(part, safe="") for part in (self.ministry, *parts))])


def rules_of(server: Server, name: str | None) -> list[ExplainedRule]:
    """The rules that the server runs, or the one of this name. Raises ``policy.unknown-rule``."""
    return list(server.pages("/v1/policy/rules", ExplainedRule, name=name))
