"""What the command line asks of uses, permits, approvals and suspensions, be it of this home or of a server."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import NoReturn, Protocol

from bongsu.domain.approval import ApprovalState, Proposal
from bongsu.domain.data_permits import DatasetPermit, SharedObject
from bongsu.domain.ids import Digest
from bongsu.domain.people import Actor
from bongsu.domain.suspension import Suspension
from bongsu.domain.use_register import PermittedUse
from bongsu.service.governance import access_permits, data_permits, deciding, declaring, proposing, suspending, uses
from bongsu.service.governance.access_permits import AccessRequest
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.data_permits import DataPermitRequest
from bongsu.service.governance.home_owner import owner
from bongsu.service.governance.launching import Launch, LaunchRequest, check_launch
from bongsu.service.governance.permission import ministry_of
from bongsu.service.governance.proposing import ProposalRequest
from bongsu.service.governance.suspending import StopRequest
from bongsu.service.governance.uses import UseRequest
from bongsu.service.platform import Platform


class GovernancePlane(Protocol):
    """Every method raises BongsuError with what is wrong. Lists are of the ministry that was named, else of all in
    which the asker is something."""

    @property
    def ministry(self) -> str:
        """The one in which the asker acts, where it has to be one."""
        ...

    def uses(self) -> Sequence[PermittedUse]: ...

    def register_use(self, request: UseRequest) -> PermittedUse: ...

    def refuse_class(self, name: str, action: str) -> NoReturn:
        """Of a use class that is outside of every class, named for what the log calls ``action``."""
        ...

    def withdraw_use(self, use: str, reason: str) -> PermittedUse: ...

    def data_permits(self) -> Sequence[DatasetPermit]: ...

    def give_data_permit(self, request: DataPermitRequest) -> DatasetPermit: ...

    def revoke_data_permit(self, permit: str, reason: str) -> DatasetPermit: ...

    def access_permits(self) -> Sequence[SharedObject]: ...

    def give_access(self, request: AccessRequest) -> SharedObject: ...

    def revoke_access(self, permit: str, reason: str = "") -> SharedObject: ...

    def proposals(self, states: Collection[ApprovalState]) -> Sequence[Proposal]:
        """Newest first."""
        ...

    def proposal(self, proposal: str) -> Proposal: ...

    def propose(self, request: ProposalRequest) -> Proposal: ...

    def approve(self, proposal: str, digest: Digest, reason: str) -> Proposal: ...

    def reject(self, proposal: str, digest: Digest, reason: str) -> Proposal: ...

    def withdraw(self, proposal: str, reason: str) -> Proposal: ...

    def carry_out(self, proposal: str) -> Proposal: ...

    def check_launch(self, request: LaunchRequest) -> Launch:
        """Raises what stands against it."""
        ...

    def suspensions(self) -> Sequence[Suspension]:
        """Newest first, lifted ones too."""
        ...

    def suspend(self, request: StopRequest) -> Suspension: ...

    def propose_lift(self, request: StopRequest) -> Proposal: ...


class GovernanceHere:
    """See :class:`GovernancePlane`; of a home, whose owner is nobody in any ministry: each use case says what that
    means for it.

    Args:
        platform: of the home.
        ministry: one that somebody asked for, as if this were a server.
    """

    def __init__(self, platform: Platform, ministry: str | None = None) -> None:
        self._platform = platform
        self._named = ministry

    @cached_property
    def _actor(self) -> Actor:
        """Raises ``governance.sign-in``."""
        return owner(self._platform)

    @property
    def ministry(self) -> str:
        return ministry_of(self._actor, self._named)

    def uses(self) -> Sequence[PermittedUse]:
        return uses.list_uses(self._platform, self._actor, self._named)

    def register_use(self, request: UseRequest) -> PermittedUse:
        return uses.register_use(self._platform, self._actor, request)

    def refuse_class(self, name: str, action: str) -> NoReturn:
        declaring.refuse_class(self._platform, name, action)

    def withdraw_use(self, use: str, reason: str) -> PermittedUse:
        return uses.withdraw_use(self._platform, self._actor, use, reason)

    def data_permits(self) -> Sequence[DatasetPermit]:
        return data_permits.list_data_permits(self._platform, self._actor, self._named)

    def give_data_permit(self, request: DataPermitRequest) -> DatasetPermit:
        return data_permits.give_data_permit(self._platform, self._actor, request)

    def revoke_data_permit(self, permit: str, reason: str) -> DatasetPermit:
        return data_permits.revoke_data_permit(self._platform, self._actor, permit, reason)

    def access_permits(self) -> Sequence[SharedObject]:
        return access_permits.list_access(self._platform, self._actor, self._named)

    def give_access(self, request: AccessRequest) -> SharedObject:
        return access_permits.give_access(self._platform, self._actor, request)

    def revoke_access(self, permit: str, reason: str = "") -> SharedObject:
        return access_permits.revoke_access(self._platform, self._actor, permit, reason)

    def proposals(self, states: Collection[ApprovalState]) -> Sequence[Proposal]:
        return proposing.list_proposals(self._platform, self._actor, self._named, states)

    def proposal(self, proposal: str) -> Proposal:
        return proposing.show_proposal(self._platform, self._actor, proposal)

    def propose(self, request: ProposalRequest) -> Proposal:
        return proposing.propose(self._platform, self._actor, request)

    def approve(self, proposal: str, digest: Digest, reason: str) -> Proposal:
        return deciding.approve(self._platform, self._actor, proposal, digest, reason)

    def reject(self, proposal: str, digest: Digest, reason: str) -> Proposal:
        return deciding.reject(self._platform, self._actor, proposal, digest, reason)

    def withdraw(self, proposal: str, reason: str) -> Proposal:
        return proposing.withdraw(self._platform, self._actor, proposal, reason)

    def carry_out(self, proposal: str) -> Proposal:
        return carry_out(self._platform, self._actor, proposal)

    def check_launch(self, request: LaunchRequest) -> Launch:
        return check_launch(self._platform, self._actor, self.ministry, request)

    def suspensions(self) -> Sequence[Suspension]:
        return suspending.list_suspensions(self._platform, self._actor, self._named)

    def suspend(self, request: StopRequest) -> Suspension:
        return suspending.suspend(self._platform, self._actor, request)

    def propose_lift(self, request: StopRequest) -> Proposal:
        return suspending.propose_lift(self._platform, self._actor, request)
