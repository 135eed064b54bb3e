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
NO_BROWSERS = Code(
    "identity.no-browsers",
    "Nobody signs in to this server with a browser.",
    "Its operator sets it up with `bongsu serve --public-url`; until then programs come with a token, see"
    " `bongsu mlflow`.",
    exit_code=3,
)
PUBLIC_URL = Code(
    "identity.public-url",
    "Browsers cannot sign in at {url}: {detail}.",
    "Set --public-url to scheme, host and port under which people reach this server, as in https://bongsu.example; and"
    " an identity provider that they sign in at.",
)
NO_SUCH_PROVIDER = Code(
    "identity.no-such-provider",
    "That identity provider is none of this server's.",
    "There are: {known}.",
    exit_code=3,
)
SIGN_IN_STALE = Code(
    "identity.sign-in-stale",
    "This sign-in was not begun in this browser, or too long ago (rule {rule}).",
    "Begin once more, and let this site keep its cookies.",
    exit_code=4,
    rule="identity.signed-in",
)
SIGN_IN_FAILED = Code(
    "identity.sign-in-failed",
    "The sign-in at {issuer} has come to nothing: {detail} (rule {rule}).",
    "Begin once more; if that does not help, ask the operator, who finds the cause in the log.",
    exit_code=4,
    rule="identity.signed-in",
)
NOT_KNOWN_HERE = Code(
    "identity.not-known-here",
    "You have signed in at {issuer}, and may not come in here as who you are there (rule {rule}).",
    "Ask an operator of your ministry to add you, or sign in as somebody else.",
    exit_code=4,
    rule="identity.signed-in",
)
PROVIDER_SILENT = Code(
    "identity.provider-silent",
    "The identity provider {issuer} does not answer, or does not say how browsers sign in.",
    "Try again in a moment; the log has more for the operator.",
    exit_code=7,
)
FOREIGN_PAGE = Code(
    "identity.foreign-page",
    "This change was asked for by a page of another site, or by a program that does not say where it is from"
    " (rule {rule}).",
    "Make it on the pages of this server; programs send a token, see `bongsu mlflow`.",
    exit_code=4,
    rule="identity.own-pages",
)
TWO_SESSIONS = Code(
    "identity.two-sessions",
    "Your browser sent two sessions, and which of them is yours cannot be known (rule {rule}).",
    "Delete the cookies of this address in your browser, and sign in once more.",
    exit_code=4,
    rule="identity.signed-in",
)
