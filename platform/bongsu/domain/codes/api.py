"""Codes of requests that cannot be served as they are."""

from bongsu.domain.problems import Code

BAD_REQUEST = Code(
    "api.bad-request",
    "The request cannot be read at {place}: {detail}.",
    "The schema at /openapi.json says what belongs there.",
)
NO_SUCH_ROUTE = Code(
    "api.no-such-route",
    "There is nothing at {path}.",
    "The schema at /openapi.json lists what there is.",
    exit_code=3,
)
WRONG_METHOD = Code(
    "api.wrong-method", "{path} is not asked with {method}.", "The schema at /openapi.json lists what there is."
)
SEVERAL_HOSTS = Code(
    "api.several-hosts",
    "The request names more than one host.",
    "Send one Host header (RFC 9112, section 3.2); if you did, a proxy on the way adds one.",
)
BAD_CURSOR = Code(
    "api.bad-cursor",
    "This cursor is none of this list, or was changed.",
    "Begin without a cursor, and give back `next` of each page as it came, with the same filter.",
)
BAD_FILTER = Code(
    "api.bad-filter",
    "The filter cannot be read at “{near}”: {detail}.",
    'Write for example: state = running AND pipeline = "demo" AND createdAt >= "2026-11-01T00:00:00Z".',
)
PRECONDITION = Code(
    "api.precondition",
    "The request asks for a change only if something is still as {tag} says (`If-Match`); the server does not compare"
    " that.",
    "Leave out `If-Match`: states that do not allow a change refuse it, and approvals name the digest that they are"
    " of.",
)
UNKNOWN_FIELD = Code("api.unknown-field", "There is no field {field} here.", "There are: {known}.")
UNKNOWN_VALUE = Code("api.unknown-value", "{field} is never “{value}”.", "It is one of: {known}.")
TOO_LARGE = Code(
    "api.too-large",
    "The request has more than {limit} bytes.",
    "Send less; files are uploaded as artifacts, whose limit is another.",
)
TOO_MANY = Code(
    "api.too-many",
    "That was more than {limit} requests a minute.",
    "Wait {seconds} s; lists come in pages, and events can be followed instead of asked for.",
    exit_code=7,
)
TOO_MANY_FOLLOWED = Code(
    "api.too-many-followed",
    "More is followed at this server than it serves: {limit} at once for one person, {all} for all.",
    "Close what nobody looks at, or ask for what is there without following it.",
    exit_code=7,
)
TOO_MANY_READ = Code(
    "api.too-many-read",
    "More files are read at this server than it hands out: {limit} at once for one person, {all} for all.",
    "Wait until one is there, and try again.",
    exit_code=7,
)
TOO_MANY_REFUSED = Code(
    "api.too-many-refused",
    "You were refused more than {limit} times a minute. Each of these attempts is recorded; for now nothing more of"
    " yours is looked at.",
    "Wait {seconds} s, and mend what the earlier answers said.",
    exit_code=7,
)
KEY_USED_OTHERWISE = Code(
    "api.key-used-otherwise",
    "The idempotency key {key} stands for another request.",
    "Give each request a key of its own, and repeat it only with the same content.",
)
BROKEN = Code(
    "api.broken",
    "The server failed at this request ({request}).",
    "Nothing was done, or all of it: look before you repeat it. Tell an operator the number of the request.",
    exit_code=8,
)
PORT_TAKEN = Code(
    "api.port-taken",
    "Nobody can listen at {address}: {detail}.",
    "Choose another port with --port, or end what listens there.",
    exit_code=7,
)
HEAD_TOO_LARGE = Code(
    "api.head-too-large",
    "The address and the headers of the request have more than {limit} bytes together.",
    "Send fewer or shorter headers; long filters and lists of fields can be split over several requests.",
)
TOO_SLOW = Code(
    "api.too-slow",
    "The request's body comes too slowly: {detail}.",
    "Send it again, without pauses in between.",
    exit_code=7,
)
BELOW_LEAST_RATE = Code(
    "api.below-least-rate",
    "After {seconds} s, the request's body came at less than {rate} bytes a second.",
    "Send it again over a faster connection; nothing of it was kept.",
    exit_code=7,
)
