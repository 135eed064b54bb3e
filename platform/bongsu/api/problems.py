"""Errors as ``application/problem+json`` (RFC 9457), with our codes, in the reader's language."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from bongsu.api.requests import broken_off, language_of, request_id
from bongsu.api.unfit import words_of
from bongsu.domain.codes import access, api, audit, identity, people, run
from bongsu.domain.codes.database import without_address
from bongsu.domain.messages import N_
from bongsu.domain.problems import LACKING, BongsuError, Code, Problem
from bongsu.language.problems import told
from bongsu.language.translation import translator

MEDIA_TYPE = "application/problem+json"
# What a code's exit status says of the request; codes that say something else stand below.
_STATUS = {1: 500, 2: 422, 3: 404, 4: 403, 5: 409, 6: 409, 7: 503, 8: 500}
_OTHER_STATUS: dict[Code, int] = {
    identity.NOT_SIGNED_IN: 401,
    access.SEVERAL_MINISTRIES: 400,
    api.BAD_REQUEST: 422,
    api.WRONG_METHOD: 405,
    api.SEVERAL_HOSTS: 400,
    api.BAD_CURSOR: 400,
    api.BAD_FILTER: 400,
    api.UNKNOWN_FIELD: 400,
    api.UNKNOWN_VALUE: 400,
    api.PRECONDITION: 412,
    api.TOO_LARGE: 413,
    api.HEAD_TOO_LARGE: 431,
    api.TOO_SLOW: 408,
    api.BELOW_LEAST_RATE: 408,
    api.TOO_MANY: 429,
    api.TOO_MANY_FOLLOWED: 429,
    api.TOO_MANY_READ: 429,
    api.TOO_MANY_REFUSED: 429,
    api.KEY_USED_OTHERWISE: 422,
    audit.TOO_MANY_COSIGNATURES: 409,
    people.PERSON_EXISTS: 409,
    people.MINISTRY_EXISTS: 409,
    people.SUBJECT_TAKEN: 409,
    people.DISABLED: 409,
    people.LAST_OPERATOR: 409,
    people.LAST_MINISTRY: 409,
    people.HAS_OPERATOR: 409,
    people.TOO_MANY_SECRETS: 409,
    people.SECRET_REPLACED: 409,
    run.NOT_CANCELLABLE: 409,
    run.NOT_RESUMABLE: 409,
    run.STILL_CANCELLING: 409,
    run.DRIVEN_ELSEWHERE: 409,
}
# What passes by itself, such as the restart of a database, may be over by then.
RETRY_AFTER_S = 2
MORE = N_("This is one of {count} problems; `problems` has all of them.")
_log = logging.getLogger("bongsu.api")


def status_of(problems: list[Problem]) -> int:
    """Of the gravest: a fault of ours before a refusal, a refusal before a mistake, and that before what is not there.
    404 is of a request of which nothing else is wrong: else something that it names is missing, and not what it asks
    for. So is what another machine would mend, as it is for :attr:`BongsuError.exit_code`."""
    found = {_status(one) for one in problems if one.code.exit_code != LACKING} or set(map(_status, problems))
    return max(found, key=lambda status: (status >= 500, status in (401, 403), status != 404, status))


def _status(problem: Problem) -> int:
    return _OTHER_STATUS.get(problem.code, _STATUS[problem.code.exit_code])


def problem_response(request: Request, error: BongsuError) -> Response:
    """All problems in one document; those of files keep their places. Where the server's database lies, and what it
    says, is for who runs the server, and stands in its log."""
    language = language_of(request)
    problems = [without_address(problem) for problem in error.problems]
    if problems != error.problems:
        _log.warning("request %s: %s", request_id(request), error)
    status = status_of(problems)
    headers = {"Content-Language": language, "Vary": "Accept-Language", "Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="bongsu"'
    seconds = problems[0].args.get("seconds", RETRY_AFTER_S)
    if status in (429, 503):
        headers["Retry-After"] = str(seconds)
    document = problem_document(problems, language, status, request_id(request))
    return JSONResponse(document, status, headers, MEDIA_TYPE)


def problem_document(problems: list[Problem], language: str, status: int, request: str) -> dict[str, Any]:
    """The body of an error. It is called by the first problem that has the status; all of them are listed."""
    translate = translator(language)
    listed = [told(problem, translate) for problem in problems]
    first = next(
        (one for one, problem in zip(listed, problems, strict=True) if _status(problem) == status), listed[0]
    )
    more = f" {translate(MORE).format(count=len(listed))}" if len(listed) > 1 else ""
    return {
        "type": f"urn:bongsu:problem:{first['code']}",
        "title": first["message"],
        "status": status,
        "detail": first["fix"] + more,
        "instance": f"urn:bongsu:request:{request}",
        "code": first["code"],
        "exitCode": BongsuError(problems).exit_code,
        "problems": listed,
    }


def handle_problems(app: FastAPI) -> None:
    """Whatever is raised in a route ends as a problem; what we did not foresee tells nothing but its number."""

    @app.exception_handler(BongsuError)
    def _bongsu(request: Request, error: BongsuError) -> Response:
        return problem_response(request, error)

    @app.exception_handler(RequestValidationError)
    def _validation(request: Request, error: RequestValidationError) -> Response:
        problems = [
            api.BAD_REQUEST.at(place=".".join(map(str, one["loc"])), detail=words_of(one)) for one in error.errors()
        ]
        return problem_response(request, BongsuError(problems))

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        given_up = broken_off(request)
        if given_up is not None:
            problem = given_up
        elif error.status_code == 405:
            problem = api.WRONG_METHOD.error(path=request.url.path, method=request.method)
        elif error.status_code == 404:
            problem = api.NO_SUCH_ROUTE.error(path=request.url.path)
        else:
            problem = api.BAD_REQUEST.error(place=request.url.path, detail=str(error.detail).rstrip("."))
        response = problem_response(request, problem)
        if error.status_code == 405 and error.headers is not None:
            response.headers.update(error.headers)  # what the path does take
        return response

    @app.exception_handler(ClientDisconnect)
    def _left(_request: Request, _error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # which nobody reads; it is no fault of ours

    @app.exception_handler(Exception)
    def _unforeseen(request: Request, error: Exception) -> Response:
        _log.exception("request %s failed", request_id(request), exc_info=error)
        return problem_response(request, api.BROKEN.error(request=request_id(request)))
