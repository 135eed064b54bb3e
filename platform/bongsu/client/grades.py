"""The grades of a server's site, by which what people write on this machine is read."""

from __future__ import annotations

from bongsu.client.http import Server
from bongsu.domain.grades import GradeScheme, SchemeName
from bongsu.domain.labels import Grade


def grades_of(server: Server) -> GradeScheme:
    """Raises as :meth:`bongsu.client.http.Server.json`."""
    told = server.json("GET", "/v1/grades")
    return GradeScheme(SchemeName(told["scheme"]), Grade(told["restricted"]))
