"""A use class that is outside of every class, told to the server that somebody would have given it to."""

from __future__ import annotations

from typing import NoReturn

from bongsu.client.http import Server
from bongsu.domain.codes.policy import FORBIDDEN_USE
from bongsu.domain.problems import BongsuError

# Where a request of each action goes, and its keys of the ministry and of the classes.
_ASKED = {
    "use.register": ("/v1/uses", "ministry", "useClass"),
    "permit.give-data": ("/v1/data-permits", "ministry", "useClasses"),
    "permit.give-access": ("/v1/access-permits", "giver", "purpose"),
    "grant.give": ("/v1/grants", "giver", "useClasses"),
}


def refuse_class(server: Server, ministry: str, name: str, action: str) -> NoReturn:
    """Have the server refuse it, which puts the attempt on record; the request lacks all else that it would need.

    Raises:
        BongsuError: ``policy.forbidden-use``, or why the server was not asked.
    """
    path, whose, what = _ASKED[action]
    try:
        server.post(path, {whose: ministry, what: [name] if what.endswith("es") else name})
    except BongsuError as error:
        refused = [problem for problem in error.problems if problem.code.name == FORBIDDEN_USE.name]
        raise BongsuError(refused or error.problems) from None
    raise RuntimeError(f"the server takes the use class {name}")
