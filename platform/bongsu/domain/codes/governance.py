"""Codes of the rules over uses, data, approvals, suspensions and labels, and of those who may ask."""

from bongsu.domain.problems import Code

NO_SUCH = Code(
    "governance.no-such",
    "There is no {object}, as far as you may know (rule {rule}).",
    "Check its name and the ministry. What another ministry has is found only with an access permit of it.",
    exit_code=3,
    rule="access.visible",
)
NOT_PERMITTED = Code(
    "governance.not-permitted",
    "{actor} may not do this to {object}: it takes the permission {permission}, which none of their roles in"
    " {ministry} has (rule {rule}).",
    "Ask somebody who is {roles} there, or whoever manages people in {ministry} for that role.",
    exit_code=4,
    rule="access.permission",
)
ONE_PERSON = Code(
    "governance.one-person",
    "A home on one machine has one person and no ministries, so nothing in it can be permitted, approved or suspended"
    " by somebody else (rule {rule}).",
    "Models get their aliases as they are registered here. For registers, permits and approvals, work with a server.",
    exit_code=4,
    rule="people.governed",
)
SIGN_IN = Code(
    "governance.sign-in",
    "This home belongs to ministries, and who you are is not known (rule {rule}).",
    "Go through its server, which knows who asks.",
    exit_code=4,
    rule="identity.signed-in",
)
BAD_PERIOD = Code(
    "governance.bad-period",
    "The end, {ends}, does not lie behind the begin, {begins}, and behind now.",
    "Give an end that is later than both.",
)
LONG_PERIOD = Code(
    "governance.long-period",
    "From {begins} until {ends} is too long: at most {years} years are permitted at once, and none that end later than"
    " {years} years from now (rule {rule}).",
    "Give an earlier end, or a later begin; what goes on for longer is permitted anew in time.",
    rule="permits.period",
)
TOO_LONG = Code(
    "governance.too-long",
    "{field} has {size} characters; at most {limit} are kept.",
    "Say it shorter, and refer to a document for the rest.",
)
NO_REASON = Code(
    "governance.no-reason",
    "{field} is empty, and it is recorded for good.",
    "Say why, or name what is asked for.",
)
BAD_CITATION = Code(
    "governance.bad-citation",
    "{field} says {text}, which nobody could follow.",
    "Name what stands here (`artifact:sha256-…`, `model:NAME/VERSION`, `dataset:NAME/VERSION`), an address"
    " (`https://…`), or a document by its number (`document:국방인공지능기획과-1234`).",
)
CITATION_GONE = Code(
    "governance.citation-gone",
    "{field} names {reference}, and {ministry} has no such thing, as far as you may know.",
    "Upload or register it first, or name what there is: `bongsu artifacts list`, `bongsu datasets list`.",
    exit_code=3,
)
WHICH_MINISTRY = Code(
    "governance.which-ministry",
    "You are somebody in several ministries: {found}.",
    "Name the one that you act for with --ministry.",
)
UNKNOWN_MINISTRY = Code(
    "governance.unknown-ministry",
    "{ministry} is no ministry that takes part here.",
    "`bongsu ministries receivers` lists those that take part, for who may share with one.",
    exit_code=3,
)
OWN_MINISTRY = Code(
    "governance.own-ministry",
    "{ministry} is the ministry that has it: what is shared goes to another one.",
    "Name the ministry that is to get it; `bongsu ministries receivers` lists those that take part.",
)
USE_NOT_PERMITTED = Code(
    "use.not-permitted",
    "The ministry {ministry} has no register entry by which {use_class} is permitted at this time: {fact}"
    " (rule {rule}).",
    "Have an accreditor of {ministry} register the use, or state the purpose that is meant.",
    exit_code=4,
    rule="use.permitted",
)
EVIDENCE_DATE = Code(
    "use.evidence-date",
    "The evidence is dated {dated}, and today is {now}: it must be of today or before, and not from before {oldest},"
    " which is {years} years ago (rule {rule}).",
    "Give the day on which the evidence was made. If that is too long ago, have the use assessed anew, and refer to the"
    " new assessment.",
    rule="use.evidence",
)
USE_WITHDRAWN = Code(
    "use.withdrawn-already",
    "The register entry {use} was withdrawn, and stays so.",
    "Register the use anew, with the evidence that it needs now.",
)
UNKNOWN_OWNER = Code(
    "use.unknown-owner",
    "{owner} is nobody who can answer for a use in {ministry}: no person with a role there, or a disabled account.",
    "Name a person of {ministry} by their id.",
)
DATA_NOT_PERMITTED = Code(
    "data.not-permitted",
    "{name} may not be taken for {use_class} in {ministry} at this time: {fact} (rule {rule}).",
    "Ask a data custodian of {ministry} for a permit of this purpose, or leave this data out.",
    exit_code=4,
    rule="data.permitted",
)
MODEL_NOT_SHARED = Code(
    "data.model-not-shared",
    "{name} may not be taken for {use_class} in {ministry}: no access permit shares it for this purpose at this"
    " time (rule {rule}).",
    "Ask the ministry that has the model for an access permit of this purpose.",
    exit_code=4,
    rule="data.model-shared",
)
MODEL_SUSPENDED = Code(
    "model.suspended",
    "{name} may not be used: it is, or was made from, a model that is suspended (rule {rule}).",
    "Take another model. A suspension is lifted by two approvers: `bongsu models lift`.",
    exit_code=4,
    rule="model.suspended",
)
MODEL_BYTES = Code(
    "model.bytes-changed",
    "{name} is not what was approved: {detail} (rule {rule}).",
    "Nothing is launched from these bytes. Tell the operator, and have the model made and approved anew.",
    exit_code=4,
    rule="model.bytes",
)
NOT_APPROVED = Code(
    "model.not-approved",
    "There is no approval by which {name} may be used so: {use} (rule {rule}).",
    "Propose it with `bongsu approvals propose`, and have it approved.",
    exit_code=4,
    rule="model.approved",
)
NOT_CARRIED_OUT = Code(
    "model.not-carried-out",
    "{name} may not be used so yet: {use}. That was approved, and not carried out (rule {rule}).",
    "Carry it out: `bongsu approvals apply {proposal}`, as its proposer or whoever may propose.",
    exit_code=4,
    rule="model.approved",
)
NOT_SUSPENDED = Code(
    "model.not-suspended",
    "{name} is not suspended.",
    "There is nothing to lift; `bongsu models` shows which versions may be used.",
)
NO_EVIDENCE = Code(
    "approval.no-evidence",
    "{object} has no evaluation or verification that speaks for it (rule {rule}).",
    "Register it by a run whose registration stage is given evaluations and verifications.",
    exit_code=4,
    rule="approval.evidence",
)
EVIDENCE_TOO_LONG = Code(
    "approval.evidence-end",
    "The evidence is to hold until {ends}; it must end in the future, and at most {days} days from now"
    " (rule {rule}).",
    "Give an earlier day; after it the model is evaluated and approved anew.",
    exit_code=4,
    rule="approval.evidence",
)
NO_EVIDENCE_END = Code(
    "approval.no-evidence-end",
    "Nothing says until when the evidence of {object} holds (rule {rule}).",
    "Say the day after which it has to be evaluated anew, at most {days} days from now (--evidence-until,"
    " evidenceEndsAt).",
    exit_code=4,
    rule="approval.evidence",
)
NOT_REGISTERED = Code(
    "approval.not-registered",
    "No run registered {object}, as far as you may know, so there is nothing that an approval could bind (rule"
    " {rule}).",
    "Check its name and the ministry: `bongsu models`. What somebody registered with MLflow's own client has no lineage"
    " and no evaluation, and is not proposed: name the weights as an input of a pipeline that evaluates and"
    " registers them, or import a bundle with `bongsu models import`, and propose the version that comes of it.",
    exit_code=3,
    rule="access.visible",
)
SUBMITTER_UNKNOWN = Code(
    "approval.submitter-unknown",
    "Nobody knows who submitted the run {run}, so nobody can be told from them (rule {rule}).",
    "Run it again through the server, which records who submits.",
    exit_code=4,
    rule="approval.separation",
)
OPEN_ALREADY = Code(
    "approval.open-already",
    "{kind} of {object} to {target} is proposed already: {proposal} of {proposer} is {state} (rule {rule}).",
    "Look at that one with `bongsu approvals show {proposal}` and decide on it, or have {proposer} withdraw it; then"
    " propose anew.",
    rule="approval.one-open",
)
OPEN_UNSEEN = Code(
    "approval.open-unseen",
    "{kind} of {object} to {target} is proposed already, in a proposal that you may not see (rule {rule}).",
    "Have an approver who may see it decide on it, or its proposer withdraw it; else it ends 30 days after it was made."
    " Then propose anew.",
    rule="approval.one-open",
)
NOT_A_PERSON = Code(
    "approval.not-a-person",
    "{actor} is no person, and approvals are given by people alone (rule {rule}).",
    "Let a person decide who has the role of an approver or accreditor.",
    exit_code=4,
    rule="approval.people",
)
NOT_SEPARATE = Code(
    "approval.not-separate",
    "{actor} may not decide on {proposal}: {fact} (rule {rule}).",
    "Let another approver or accreditor of the ministry decide.",
    exit_code=4,
    rule="approval.separation",
)
OTHER_DIGEST = Code(
    "approval.other-digest",
    "What was looked at, {given}, is not what {proposal} binds: {bound} (rule {rule}).",
    "Look at the proposal as it is now, and decide on that.",
    exit_code=4,
    rule="approval.binding",
)
CHANGED = Code(
    "approval.changed",
    "What {proposal} binds has changed since it was proposed: {fact} (rule {rule}).",
    "Its approvals hold no longer. Propose what is there now.",
    exit_code=4,
    rule="approval.binding",
)
WRONG_STATE = Code(
    "approval.wrong-state",
    "{proposal} is {state}; this takes one that is {wanted} (rule {rule}).",
    "Look at it with `bongsu approvals show`; what is over is proposed anew.",
    exit_code=4,
    rule="approval.state",
)
TOO_FEW = Code(
    "approval.too-few",
    "{proposal} has {have} of {needs} approvals that count at this moment (rule {rule}).",
    "An approval counts while its giver's account is open, has the role, clears the label and has submitted no run that"
    " it comes from; `bongsu approvals show {proposal}` says which do. Have others approve.",
    exit_code=4,
    rule="approval.enough",
)
PROPOSAL_EXPIRED = Code(
    "approval.expired",
    "{proposal} was not carried out before {ends} (rule {rule}).",
    "Propose it anew.",
    exit_code=4,
    rule="approval.state",
)
NOT_THE_PROPOSER = Code(
    "approval.not-the-proposer",
    "Only {proposer}, who proposed {proposal}, withdraws it (rule {rule}).",
    "An approver can reject it.",
    exit_code=4,
    rule="approval.state",
)
NOT_LOWER = Code(
    "downgrade.not-lower",
    "{target} is not lower than {label}, which {object} carries (rule {rule}).",
    "A label that is to rise needs no approval: register the data again with it.",
    rule="downgrade.lower",
)
BAD_LABEL = Code(
    "downgrade.bad-label",
    "{target} is no label.",
    "Write a grade, such as O, S or III, and compartments behind it: `S/logistics`.",
)
BAD_ALIAS = Code(
    "approval.bad-target",
    "{target} cannot be the target of this proposal.",
    "An alias has lower-case letters, digits and hyphens and begins with a letter, and is neither latest nor v1; a"
    " transfer names a ministry, or one and its installation (msit/bongsu.msit.example).",
)
BAD_OBJECT = Code(
    "governance.bad-object",
    "{object} does not name what can be decided on here.",
    "Write `model:NAME/VERSION`, `dataset:NAME/VERSION` or `artifact:DIGEST`.",
)
UNKNOWN_RULE = Code(
    "policy.unknown-rule",
    "There is no rule {name}.",
    "`bongsu policy explain` lists all of them.",
    exit_code=3,
)
