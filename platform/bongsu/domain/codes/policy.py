"""Codes of refusals by policy."""

from bongsu.domain.problems import Code

FORBIDDEN_USE = Code(
    "policy.forbidden-use",
    "These words name a use that Bongsu does not serve: “{words}” (rule {rule}, pattern {pattern}).",
    "Lethal autonomy, and selecting or engaging targets, are outside of every use class. If the text means something"
    " else, say in other words what is done to what, and by whom.",
    exit_code=4,
    rule="purpose.lethal-autonomy",
)
TOO_MUCH_TEXT = Code(
    "policy.too-much-text",
    "The free texts of the pipeline have more than {limit} characters together.",
    "They are all read before anything runs. Keep long texts in a data set, or in a file that a stage reads.",
)
UNVERIFIED_REGISTRATION = Code(
    "policy.unverified-registration",
    "The stage {stage} registers models that no verification stage examines (rule {rule}).",
    "Add a stage that uses verify.reload on the same models and give its output to `verifications`.",
    exit_code=4,
    rule="registration.verified",
)
