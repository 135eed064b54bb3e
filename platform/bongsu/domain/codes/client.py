"""Codes of talking to a server."""

from bongsu.domain.problems import Code

UNREACHABLE = Code(
    "client.unreachable",
    "The server at {url} does not answer: {detail}.",
    "Check the address with `bongsu context list`, and that the server runs; `bongsu context use local` works here.",
    exit_code=7,
)
NOBODY_THERE = Code(
    "client.nobody-there",
    "Nobody can sign in at {url}: {detail}.",
    "Check host and port, and that this machine reaches them. A server is at https://HOST, or on this machine alone at"
    " http://127.0.0.1:PORT, as it prints when it starts. Of an authority of your own, SSL_CERT_FILE names the"
    " certificate.",
    exit_code=7,
)
NOT_UNDERSTOOD = Code(
    "client.not-understood",
    "The answer of {url} is none of a Bongsu of this version: {detail}.",
    "Check the address, and that server and client are of the same version (`bongsu --version`, `{url}/v1/me`).",
    exit_code=7,
)
LOST_SIGHT = Code(
    "client.lost-sight",
    "The server at {url} does not answer any more. The run {run} goes on there, or as soon as the server is back.",
    "`bongsu logs {run} --follow` follows it again, and `bongsu show {run}` says how it stands.",
    exit_code=7,
)
SIGN_IN_AGAIN = Code(
    "client.sign-in-again",
    "The sign-in at {url} is over (rule {rule}).",
    "`bongsu login` signs in again; a service account goes on while its secret is in BONGSU_SECRET.",
    exit_code=4,
    rule="identity.signed-in",
)
NO_SERVER_FOR_MLFLOW = Code(
    "client.no-server-for-mlflow",
    "MLFLOW_TRACKING_AUTH={auth} signs requests in as commands are, and commands speak to this machine.",
    "Sign in with `bongsu login URL`, name the context of a server in BONGSU_CONTEXT, or unset MLFLOW_TRACKING_AUTH.",
)
OTHER_SERVER = Code(
    "client.other-server",
    "MLflow asks {address}, and the sign-in of the context {name} is for {url}: its token goes nowhere else.",
    "Set MLFLOW_TRACKING_URI to {url}/mlflow, or BONGSU_CONTEXT to the context of the server that is meant"
    " (`bongsu context list`).",
)
UNKNOWN_CONTEXT = Code(
    "client.unknown-context",
    "There is no context {name}.",
    "`bongsu context list` shows those there are; `bongsu login URL` makes one.",
    exit_code=3,
)
BAD_SERVER_URL = Code(
    "client.bad-server-url",
    "{url} is no address of a server: {detail}.",
    "Write it as https://HOST or, for this machine, http://127.0.0.1:PORT.",
)
LOGIN_REFUSED = Code(
    "client.login-refused",
    "The sign-in was not completed: {detail} (rule {rule}).",
    "Begin again with `bongsu login`, and confirm the code on the page before it runs out.",
    exit_code=4,
    rule="identity.signed-in",
)
NO_SECRET = Code(
    "client.no-secret",
    "There is no secret for the service account {account}.",
    "Put it into the variable BONGSU_SECRET, or write it to standard input.",
)
SECRET_REFUSED = Code(
    "client.secret-refused",
    "The service account {account} was not let in: {detail} (rule {rule}).",
    "Check its id and its secret. An operator of its ministry sees with `bongsu service-accounts secrets {account}`"
    " which ones hold, and makes a new one with `bongsu service-accounts secret {account}`.",
    exit_code=4,
    rule="identity.signed-in",
)
NO_ISSUER = Code(
    "client.no-issuer",
    "The server does not say at which identity provider people sign in.",
    "Name it with --issuer, exactly as its tokens have it in `iss`.",
)
NO_SERVICE_ISSUER = Code(
    "client.no-service-issuer",
    "The server gives no tokens to service accounts itself.",
    "Say with --issuer and --subject what your identity provider calls the account; or start the server with"
    " --service-issuer.",
)
BAD_CONTEXTS = Code(
    "client.bad-contexts",
    "The file {path} cannot be read: {detail}.",
    "Mend it, or remove it and sign in again with `bongsu login`.",
)
