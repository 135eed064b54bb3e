"""Talking to a control plane over HTTP: a typed client, and the sign-in.

What a program needs stands here: the servers that ``bongsu login`` knows, one of them opened, and what it is asked.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bongsu.client.contexts import Context, contexts_file, load_contexts
    from bongsu.client.http import Server
    from bongsu.client.opening import access_token, open_server
    from bongsu.client.remote import Remote
    from bongsu.client.remote_audit import RemoteAudit
    from bongsu.client.remote_bundles import RemoteBundles, read_keys
    from bongsu.client.remote_governance import RemoteGovernance, rules_of
    from bongsu.client.remote_grants import RemoteGrants
    from bongsu.client.remote_people import RemotePeople
    from bongsu.domain.approval import ApprovalState, LaunchKind, ProposalKind
    from bongsu.domain.audit import EntryFilter
    from bongsu.service.governance.access_permits import AccessRequest
    from bongsu.service.governance.data_permits import DataPermitRequest
    from bongsu.service.governance.launching import LaunchRequest
    from bongsu.service.governance.proposing import ProposalRequest
    from bongsu.service.governance.suspending import StopRequest
    from bongsu.service.governance.uses import UseRequest
    from bongsu.service.grants.giving import Order
    from bongsu.service.ministries import NewMinistry
    from bongsu.service.people import NewPerson

__all__ = [
    "AccessRequest",
    "ApprovalState",
    "Context",
    "DataPermitRequest",
    "EntryFilter",
    "LaunchKind",
    "LaunchRequest",
    "NewMinistry",
    "NewPerson",
    "Order",
    "ProposalKind",
    "ProposalRequest",
    "Remote",
    "RemoteAudit",
    "RemoteBundles",
    "RemoteGovernance",
    "RemoteGrants",
    "RemotePeople",
    "Server",
    "StopRequest",
    "UseRequest",
    "access_token",
    "contexts_file",
    "load_contexts",
    "open_server",
    "read_keys",
    "rules_of",
]
# Imported when they are asked for: each command imports something of this package, and few need all of it.
_WHERE = {
    "AccessRequest": "bongsu.service.governance.access_permits",
    "ApprovalState": "bongsu.domain.approval",
    "Context": "bongsu.client.contexts",
    "DataPermitRequest": "bongsu.service.governance.data_permits",
    "EntryFilter": "bongsu.domain.audit",
    "LaunchKind": "bongsu.domain.approval",
    "LaunchRequest": "bongsu.service.governance.launching",
    "NewMinistry": "bongsu.service.ministries",
    "NewPerson": "bongsu.service.people",
    "Order": "bongsu.service.grants.giving",
    "ProposalKind": "bongsu.domain.approval",
    "ProposalRequest": "bongsu.service.governance.proposing",
    "Remote": "bongsu.client.remote",
    "RemoteAudit": "bongsu.client.remote_audit",
    "RemoteBundles": "bongsu.client.remote_bundles",
    "RemoteGovernance": "bongsu.client.remote_governance",
    "RemoteGrants": "bongsu.client.remote_grants",
    "RemotePeople": "bongsu.client.remote_people",
    "Server": "bongsu.client.http",
    "StopRequest": "bongsu.service.governance.suspending",
    "UseRequest": "bongsu.service.governance.uses",
    "access_token": "bongsu.client.opening",
    "contexts_file": "bongsu.client.contexts",
    "load_contexts": "bongsu.client.contexts",
    "open_server": "bongsu.client.opening",
    "read_keys": "bongsu.client.remote_bundles",
    "rules_of": "bongsu.client.remote_governance",
}

if not TYPE_CHECKING:  # to a checker of types every name would be there otherwise

    def __getattr__(name: str) -> Any:
        if name not in _WHERE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_WHERE[name]), name)
