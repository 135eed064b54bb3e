"""What nobody does through MLflow's own interfaces, as rules that are named in refusals and explained."""

from __future__ import annotations

from bongsu.domain.messages import N_
from bongsu.policy.rule import Rule

SEALED = Rule(
    "mlflow.sealed",
    N_("What the control plane itself recorded in MLflow is read there, and changed by nobody else."),
    (N_("who recorded it"),),
    "N2SF 1.0, RFC 6962",
    N_("when something is changed through MLflow"),
)
CLOSED = Rule(
    "mlflow.closed",
    N_(
        "Of MLflow's interfaces those are open of which it was decided; what would go round approvals, labels or the"
        " record, or run code on the server, is closed to everybody."
    ),
    (N_("route"),),
    "N2SF 1.0, NIST SP 800-53 AC-3",
    N_("when MLflow is asked"),
)
