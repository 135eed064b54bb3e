"""Single words that are translated where they stand inside of other text, and so are found nowhere else."""

from __future__ import annotations

from bongsu.domain.messages import N_

STATES = (
    N_("pending"),
    N_("waiting"),
    N_("ready"),
    N_("running"),
    N_("publishing"),
    N_("succeeded"),
    N_("skipped"),
    N_("failed"),
    N_("cancelling"),
    N_("cancelled"),
    N_("lost"),
    N_("timed-out"),
    N_("requested"),
    N_("interrupted"),
    N_("cached"),
)
APPROVALS = (
    N_("proposed"),
    N_("approved"),
    N_("carried-out"),
    N_("rejected"),
    N_("withdrawn"),
    N_("needs-review"),
    N_("promotion"),
    N_("transfer"),
    N_("serving"),
    N_("downgrade"),
    N_("lift"),
    N_("approve"),
    N_("reject"),
)
PHASES = (
    N_("loading"),
    N_("training"),
    N_("evaluating"),
    N_("saving"),
    N_("writing"),
    N_("comparing"),
    N_("calibrating"),
)
INSIDE = (
    N_("error"),
    N_("warning"),
    N_("Unexpected fault"),
    N_("see above"),
    N_("goes on below"),
    N_("perplexity"),
    N_("uncompressed"),
    N_("Label"),
)
