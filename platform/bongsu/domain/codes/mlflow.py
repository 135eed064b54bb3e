"""Codes of what is refused at MLflow's door, in the words that its clients show."""

from bongsu.domain.problems import Code

SEALED = Code(
    "mlflow.sealed",
    "Bongsu itself recorded {object}: it can be read, and is not changed through MLflow (rule {rule}).",
    "Write to a run or a model of your own, which may name this one as its parent or its source. What a pipeline"
    " recorded is followed by a new run of it (`bongsu run`), and a model that is not to be used is suspended (`bongsu"
    " models suspend`).",
    exit_code=4,
    rule="mlflow.sealed",
)
CLOSED = Code(
    "mlflow.closed",
    "This part of MLflow is closed here: {why} (rule {rule}).",
    "The way out: {way}",
    exit_code=4,
    rule="mlflow.closed",
)
ALIAS = Code(
    "mlflow.alias",
    "MLflow's clients neither set nor take away the alias {alias} of {object}: an alias is a promotion, which approvers"
    " decide (rule {rule}).",
    "Propose it with `bongsu approvals propose promotion {object} {alias} --reason WHY --evidence-until YYYY-MM-DD`;"
    " once it is approved and carried out, the"
    " alias stands here. A version that an MLflow client registered, and no run of a pipeline, has no lineage and no"
    " evaluation, and cannot be proposed: have a pipeline register these weights, or import the model as a bundle"
    " (`bongsu models import`).",
    exit_code=4,
    rule="model.approved",
)
ONLY_LOOK = Code(
    "mlflow.only-look",
    "{actor} may look at what {ministry} has in MLflow and not change it: that takes the permission {permission}, which"
    " none of their roles there has (rule {rule}).",
    "These roles have it: {having}. An operator of {ministry} gives roles.",
    exit_code=4,
    rule="access.permission",
)
NO_FILES = Code(
    "mlflow.no-files",
    "{actor} may not read files of {ministry} in MLflow: that takes the permission {permission}, which none of their"
    " roles there has (rule {rule}).",
    "These roles have it: {having}. An operator of {ministry} gives roles. Figures, parameters and tags can be read"
    " without it.",
    exit_code=4,
    rule="access.permission",
)
