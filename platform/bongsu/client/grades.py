"""The grades of a server's site, by which what people write on this machine is read."""

from __future__ import annotations

from bongsu.client.http import Server
from bongsu.domain.codes.client import NOT_UNDERSTOOD
from bongsu.domain.grades import GradeScheme, SchemeName
from bongsu.domain.labels import Grade

PATH = "/v1/grades"


def grades_of(server: Server) -> GradeScheme:
    """Raises as :meth:`bongsu.client.http.Server.json`; ``client.not-understood`` for grades of a newer server, too."""
    told = server.json("GET", PATH)
    try:
        return GradeScheme(SchemeName(told["scheme"]), Grade(told["restricted"]))
    except (LookupError, TypeError, ValueError) as error:
        raise NOT_UNDERSTOOD.error(url=server.url, detail=f"GET {PATH}") from error
