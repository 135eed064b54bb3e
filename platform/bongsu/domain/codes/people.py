"""Codes of ministries, people, service accounts, and what each is where."""

from bongsu.domain.problems import Code

NO_SERVER = Code(
    "people.no-server",
    "Ministries and people are those of a server, and the commands speak to the home {home} of this machine.",
    "Sign in at a server with `bongsu login URL`, or name one with --context. Who installs a server makes its first"
    " ministry with `bongsu ministries found`.",
)
UNKNOWN_PERSON = Code(
    "people.unknown",
    "There is no person or service account {person}.",
    "Look at the list of the ministry's people; an id is written MINISTRY/NAME, such as mnd/kim.",
    exit_code=3,
)
UNKNOWN_MINISTRY = Code(
    "people.unknown-ministry",
    "There is no ministry {ministry}.",
    "Look at the list of ministries; names are short, such as mnd.",
    exit_code=3,
)
NOT_ALLOWED = Code(
    "people.not-allowed",
    "In the ministry {ministry} this takes the permission {permission}, and {actor} is {held} there (rule {rule}).",
    "Ask somebody who has it there: {having}; or have an operator of {ministry} give the role.",
    exit_code=4,
    rule="access.permission",
)
OWN_RIGHTS = Code(
    "people.own-rights",
    "{person} is who asks, and nobody changes their own roles, their own clearance or their own account (rule {rule}).",
    "Ask another operator of the ministry {ministry}.",
    exit_code=4,
    rule="people.own-rights",
)
LAST_OPERATOR = Code(
    "people.last-operator",
    "{person} is the last operator of the ministry {ministry} (rule {rule}).",
    "Give another person the role operator there first.",
    exit_code=4,
    rule="people.operated",
)
HAS_OPERATOR = Code(
    "people.has-operator",
    "The ministry {ministry} has an operator: {operators} (rule {rule}).",
    "They give the role: `bongsu people give-role {person} operator`.",
    exit_code=4,
    rule="people.operated",
)
LAST_MINISTRY = Code(
    "people.last-ministry",
    "The ministry {ministry} is the last one that has an operator (rule {rule}).",
    "Register another ministry with an operator first.",
    exit_code=4,
    rule="people.operated",
)
NO_WITNESS = Code(
    "people.no-witness",
    "{witness} is no other ministry that takes part here, so nobody of it could read the log of {ministry}.",
    "Name another ministry that takes part, or none: then those read it who are its auditors and accreditors now.",
)
NOT_SENT = Code(
    "people.not-sent",
    "{person} was not sent to the ministry {ministry} by their own (rule {rule}).",
    "Have an operator of the ministry {home} send them: `bongsu people send {person} {ministry}`.",
    exit_code=4,
    rule="people.sent",
)
SERVICE_ROLE = Code(
    "people.service-role",
    "The service account {person} cannot have the role {role}, which is for people (rule {rule}).",
    "Give the role to a person: somebody has to answer for what it decides.",
    exit_code=4,
    rule="access.people",
)
DISABLED = Code(
    "people.disabled",
    "{person} was disabled on {at} (rule {rule}).",
    "Add a new person or account under another name; one that was disabled stays so.",
    exit_code=4,
    rule="people.open-account",
)
NOT_A_PERSON = Code(
    "people.not-a-person",
    "{person} is a service account, which has no password.",
    "Make a secret for it: `bongsu service-accounts secret {person}`.",
)
PERSON_EXISTS = Code(
    "people.exists",
    "{person} is already there, with other particulars.",
    "Choose another id, or change that person's roles or clearance.",
)
MINISTRY_EXISTS = Code(
    "people.ministry-exists",
    "The ministry {ministry} is already there.",
    "Choose another name.",
)
PLATFORM_FOUNDED = Code(
    "people.founded",
    "This platform already has ministries (rule {rule}).",
    "An operator registers further ones.",
    exit_code=4,
    rule="people.governed",
)
SOMEBODYS_HOME = Code(
    "people.somebodys-home",
    "In the home {home} its owner runs pipelines alone; with ministries in it they could permit and approve nothing"
    " (rule {rule}).",
    "Name a home for the server: `bongsu --home DIRECTORY ministries found ...`, and the same for `bongsu serve`.",
    exit_code=4,
    rule="people.governed",
)
SUBJECT_TAKEN = Code(
    "people.subject-taken",
    "The subject {subject} of the identity provider {issuer} belongs to somebody of the ministry already.",
    "A subject stands for one person. Look up whose it is at the identity provider.",
)
SUBJECT_HOME = Code(
    "people.subject-home",
    "The subject {subject} of this server's own issuer is not of the ministry {ministry}.",
    "Write {ministry}/NAME, as the person types it to sign in; that of another ministry is added by its operators.",
)
ISSUER_HOME = Code(
    "people.issuer-home",
    "This server takes no tokens of the identity provider {issuer} for people of the ministry {ministry}.",
    "Name the provider of {ministry} with --issuer; which ministries one serves is stated where the server is started"
    " (`bongsu serve --issuer {ministry}=URL`).",
)
TITLE_TAKEN = Code(
    "people.title-taken",
    "Another ministry is called {title} already.",
    "Two ministries of one name would be taken for each other; choose another name.",
)
PERSON_ID = Code(
    "people.id-form",
    "{person} cannot be the id of a person or service account of the ministry {ministry}.",
    "Write {ministry}/NAME; the name has lower-case letters, digits, dots and hyphens, at most 63.",
)
MINISTRY_NAME = Code(
    "people.ministry-form",
    "{ministry} cannot be the name of a ministry.",
    "Use lower-case letters, digits and hyphens, at most 63, such as mnd.",
)
TEXT_FORM = Code(
    "people.text-form",
    "The {field} has to be a text of 1 to {limit} characters that can be seen.",
    "Write it anew, without line breaks and invisible characters.",
)
NOT_A_SERVICE = Code(
    "people.not-a-service",
    "{person} is a person, and only service accounts have secrets.",
    "Make a service account, or have the person sign in.",
)
TOO_MANY_SECRETS = Code(
    "people.too-many-secrets",
    "The service account {person} already has {count} secrets that hold.",
    "Withdraw one, or wait until the older one ends.",
)
SECRET_REPLACED = Code(
    "people.secret-replaced",
    "Under its idempotency key this request gave {person} the secret {secret} before. That was replaced or withdrawn"
    " meanwhile, so nothing is done: another secret in its place would end the one that is in use.",
    "Go on with the newest secret. If nobody has it, look at the list of secrets and ask for one more under a new key.",
)
UNKNOWN_SECRET = Code(
    "people.unknown-secret",
    "The service account {person} has no secret {secret} that holds.",
    "The list of its secrets shows their ids.",
    exit_code=3,
)
