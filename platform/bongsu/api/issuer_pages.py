"""Pages on which somebody signs in, and out: one form, no script unless the page says so, nothing from elsewhere."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from bongsu.domain.messages import N_
from bongsu.language.translation import translator

_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
TITLE_SIGN_IN = N_("Sign in")
TITLE_DEVICE = N_("Connect a device")
TITLE_DONE = N_("Done")
TITLE_REFUSED = N_("This does not work")
LEAD_BROWSER = N_("{client} asks you to sign in.")
LEAD_DEVICE = N_(
    "A program on another device wants to act in your name. Go on only if you started it yourself and the code is the"
    " one that it shows."
)
LEAD_ALLOWED = N_("The device is connected. You can close this page.")
LEAD_DENIED = N_("The device was turned away. You can close this page.")
LEAD_UNKNOWN_RETURN = N_(
    "The program that sent you here, or the address that it wants you to go back to, is not known. Tell its operator."
)
WRONG_SIGN_IN = N_("The name or the password is not right.")
WRONG_CODE = N_("No device waits with this code. It holds for a few minutes; start again on the device.")
WRONG_FORM = N_("This page was open for too long, or it was not sent from here. Try once more.")
TOO_MANY_TRIES = N_("There were too many tries. Wait {seconds} seconds.")
_LABELS = {
    "login": N_("User name"),
    "password": N_("Password"),
    "code": N_("Code on the device"),
    "allow": N_("Sign in"),
    "connect": N_("Connect"),
    "deny": N_("Turn away"),
    "sign_out": N_("Sign out"),
}


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        title, lead, fault: English sentences of this module; the fault is empty if there is none.
        values: what is filled into them.
        action: to which the form goes; empty for a page without a form.
        hidden: what the form sends along.
        asks_code: whether it asks for the code of a device.
        user_code, login: what stood in the form before.
        returns_to: address that the browser is sent to once the form was sent.
        links: English words of this program, or names, by the addresses that they lead to.
        signs_out: whether the form signs out, and asks for nothing.
        script: a constant of this program; nothing of a request stands in it.
        status: of the answer.
    """

    title: str
    lead: str
    fault: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    action: str = ""
    hidden: Mapping[str, str] = field(default_factory=dict)
    asks_code: bool = False
    user_code: str = ""
    login: str = ""
    returns_to: str = ""
    links: Mapping[str, str] = field(default_factory=dict)
    signs_out: bool = False
    script: str = ""
    status: int = 200


def shown(page: Page, language: str) -> HTMLResponse:
    """The page in a language, with headers that keep everything else out of it."""
    say, nonce = translator(language), secrets.token_urlsafe(16)
    text = _TEMPLATES.get_template("sign_in.html.j2").render(
        language=language,
        nonce=nonce,
        title=say(page.title),
        lead=say(page.lead).format(**page.values),
        fault=say(page.fault).format(**page.values) if page.fault else "",
        texts={name: say(label) for name, label in _LABELS.items()},
        action=page.action,
        hidden=page.hidden,
        asks_code=page.asks_code,
        user_code=page.user_code,
        login=page.login,
        links={address: say(words) for address, words in page.links.items()},
        signs_out=page.signs_out,
        script=Markup(page.script),
    )
    return HTMLResponse(text, page.status, headers=_headers(nonce, page.returns_to, bool(page.script)))


def _headers(nonce: str, returns_to: str, has_script: bool) -> dict[str, str]:
    # Browsers hold `form-action` against the address that the answer to a form sends them to, too.
    parts = urlsplit(returns_to)
    forms = "'self'" + (f" {parts.scheme}://{parts.netloc}" if returns_to else "")
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; form-action {forms}"
    policy += f"; script-src 'nonce-{nonce}'" if has_script else ""
    return {
        "Content-Security-Policy": f"{policy}; frame-ancestors 'none'; base-uri 'none'",
        "Cache-Control": "no-store",
        # With "no-referrer" a browser would say `Origin: null` of our own form, too.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
