"""Names in the query of an address: one that the route does not have is refused, never passed over. A list whose
``filter`` is mistyped would be the whole list."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import Request, params
from fastapi.dependencies.utils import get_flat_params, request_params_to_args
from fastapi.routing import APIRoute

from bongsu.api.unfit import words_of
from bongsu.domain.codes import api as codes
from bongsu.domain.problems import BongsuError, Problem
from bongsu.domain.suggest import closest

# Of a name, in a refusal.
_SHOWN = 40
_UNHEARD = {"type": "extra_forbidden"}


def refuse_unheard(request: Request) -> None:
    """Raises ``api.bad-request`` for every name that is none of the route's, with what is wrong with the others."""
    if not request.query_params:
        return
    route: APIRoute = request.scope["route"]
    fields = [one for one in get_flat_params(route.dependant) if isinstance(one.field_info, params.Query)]
    known = {one.alias for one in fields}
    unheard = list(_unheard(request, known))
    if unheard:
        _values, faults = request_params_to_args(fields, request.query_params)
        wrong = [codes.BAD_REQUEST.at(place=".".join(map(str, one["loc"])), detail=words_of(one)) for one in faults]
        raise BongsuError([*unheard, *wrong])


def _unheard(request: Request, known: set[str]) -> Iterator[Problem]:
    for name in dict.fromkeys(request.query_params):
        if name not in known:
            place, detail = f"query.{name[:_SHOWN]}", words_of(_UNHEARD)
            yield codes.BAD_REQUEST.at(place=place, detail=detail, suggestion=closest(name[:_SHOWN], known))
