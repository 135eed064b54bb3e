"""Who takes part at all: rules that come before every other one."""

from __future__ import annotations

from bongsu.domain.messages import N_
from bongsu.policy.rule import Rule

SIGNED_IN = Rule(
    "identity.signed-in",
    N_(
        "Whoever asks is known: by a token that holds, of an identity provider that the server trusts, or as the owner"
        " of a home without ministries. Which check a token failed is told to the operator alone, in the log."
    ),
    (N_("token"), N_("identity providers that the server trusts"), N_("time")),
    "NIST SP 800-207 (zero trust), RFC 9700",
    N_("at every request"),
)
OWN_PAGES = Rule(
    "identity.own-pages",
    N_(
        "A browser sends the cookie of a session along with whatever any page asks for. So the session counts on"
        " MLflow's pages alone, and a change counts only if the browser says that a page of this server asked for it."
    ),
    (N_("page that asks, as the browser says"), N_("address of the server")),
    "OWASP CSRF Prevention, Fetch Metadata (W3C)",
    N_("at every change that comes with a cookie instead of a token"),
)
GOVERNED = Rule(
    "people.governed",
    N_(
        "Ministries begin once, in a home in which nobody has run anything alone. A home without ministries is its"
        " owner's: nobody else is there who could permit, approve or suspend anything."
    ),
    (N_("ministries of the home"), N_("runs of the home")),
    "Military Secrets Act (two-person rule), NIST SP 800-53 AC-5",
    N_("when the first ministry is made, and when anything is decided on in a home"),
)
KNOWN_LOG = Rule(
    "audit.known-log",
    N_("A witness signs only for logs whose public key it was given by hand."),
    (N_("origin of the checkpoint"), N_("keys that were given")),
    "C2SP tlog-witness",
    N_("when a witness is asked to sign, and when a log is verified"),
)
