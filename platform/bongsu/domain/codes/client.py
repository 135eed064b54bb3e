"""Codes of talking to a server."""

from bongsu.domain.problems import Code

UNREACHABLE = Code(
    "client.unreachable",
    "The server at {url} does not answer: {detail}.",
    "Check the address with `bongsu context list`, and that the server runs; `bongsu context use local` works here.",
    exit_code=7,
)
NOT_UNDERSTOOD = Code(
    "client.not-understood",
    "The answer of {url} is none of a Bongsu of this version: {detail}.",
    "Check the address, and that server and client are of the same version (`bongsu --version`, `{url}/v1/me`).",
    exit_code=7,
)
SIGN_IN_AGAIN = Code(
    "client.sign-in-again",
    "The sign-in at {url} is over.",
    "`bongsu login` signs in again.",
    exit_code=4,
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
    "The sign-in was not completed: {detail}.",
    "Begin again with `bongsu login`, and confirm the code on the page before it runs out.",
    exit_code=4,
)
BAD_CONTEXTS = Code(
    "client.bad-contexts",
    "The file {path} cannot be read: {detail}.",
    "Mend it, or remove it and sign in again with `bongsu login`.",
)
