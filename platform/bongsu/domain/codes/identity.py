"""Codes of who asks: tokens, keys, identity providers, workers."""

from bongsu.domain.problems import Code

NOT_SIGNED_IN = Code(
    "identity.not-signed-in",
    "It is not known who asks: there is no token, or it does not hold (rule {rule}).",
    "Sign in again with `bongsu login`; if that does not help, ask the operator, who finds the cause in the log.",
    exit_code=4,
    rule="identity.signed-in",
)
SETTING = Code(
    "identity.setting",
    "The setting {name} of the identity provider {issuer} does not hold: {detail}.",
    "The settings, and what each may be, stand in docs/identity.md.",
)
KEY_FILE = Code(
    "identity.key-file",
    "The file of signing keys {file} cannot be used: {detail}.",
    "Put it back from a backup, readable for its owner alone (`chmod 600`); or move it away, so that new keys are made"
    " and every token that was given out ends.",
    exit_code=7,
)
LAST_KEY = Code(
    "identity.last-key",
    "There is no signing key {key} that could be withdrawn from {file}.",
    "The file lists the ids of its keys. The key that signs is withdrawn only after `rotate` made another.",
    exit_code=3,
)
ACCOUNT_FILE = Code(
    "identity.account-file",
    "The file of accounts {file} cannot be used: {detail}.",
    "Put it back from a backup, readable for its owner alone (`chmod 600`); or move it away, so that accounts with new"
    " passwords are made.",
    exit_code=7,
)
NO_PASSWORDS = Code(
    "identity.no-passwords",
    "In the home {home} there is no built-in identity provider, so nobody has a password here.",
    "Name the home that `bongsu up` was given, with --home. People of `bongsu serve` sign in at the identity provider"
    " that it names, and get their passwords there.",
)
SIGNS_IN_ELSEWHERE = Code(
    "identity.signs-in-elsewhere",
    "{person} signs in at {issuer}, and not at the built-in identity provider.",
    "Ask there for a new password.",
)
WORKER_SCOPE = Code(
    "identity.worker-scope",
    "The worker of the attempt {attempt} may not do that ({action}): {detail} (rule {rule}).",
    "A worker asks for leave to read the inputs of its own attempt, and for a new token; ask for anything else as a"
    " person or with a service account.",
    exit_code=4,
    rule="worker.own-attempt",
)
