"""Log lines of a server, one for each event, as text or as JSON; nothing secret leaves through any of them."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import IO, Any

from bongsu.domain.unseen import escaped, escaped_json
from bongsu.service.observing.log_format import LogFormat
from bongsu.service.observing.scrubbing import Scrubber

# Number of the request in whose name something is logged; threads that work for it have it too.
current_request: ContextVar[str] = ContextVar("current_request", default="")
# Of a text; of an exception it is the end that says what happened.
_LONGEST = 16_000
# They tell each request and each row that they handle, in words of their own.
_TALKATIVE = (
    "httpx",
    "httpx2",
    "httpcore",
    "urllib3",
    "botocore",
    "boto3",
    "alembic",
    "mlflow",
    "uvicorn.access",
    "ray",
)


class LineFormatter(logging.Formatter):
    """One line for each record, even where what it tells has several; an exception follows as text on lines of its own,
    or in its own field of JSON.

    Args:
        style: see :class:`LogFormat`.
        scrub: goes over every text.
    """

    def __init__(self, style: LogFormat, scrub: Scrubber) -> None:
        super().__init__()
        self._shape = style
        self._scrub = scrub

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        facts = {str(name): self._clean(value) for name, value in getattr(record, "facts", {}).items()}
        number = current_request.get()
        if number and "request" not in facts:
            facts = {"request": number, **facts}
        message = self._scrub(_said(record)[:_LONGEST])
        failure = self._scrub(self.formatException(record.exc_info)[-_LONGEST:]) if record.exc_info else ""
        if self._shape is LogFormat.JSON:
            line = {"time": at, "level": record.levelname.lower(), "logger": record.name, "message": message}
            document = line | {name: value for name, value in facts.items() if name not in line}
            whole = document | ({"exception": failure} if failure else {})
            return escaped_json(json.dumps(whole, ensure_ascii=False))
        told = " ".join(f"{name}={_shown(value)}" for name, value in facts.items())
        said = " ".join(
            part for part in (at, record.levelname, f"{record.name}:", _on_one_line(message), told) if part
        )
        return f"{said}\n{escaped(failure)}" if failure else said

    def _clean(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        return self._scrub(str(value)[:_LONGEST])


def _said(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # arguments that do not fit: the logging of others must not end what they do
        return str(record.msg)


def _on_one_line(text: str) -> str:
    return escaped(text).replace("\n", "\\n").replace("\t", " ")


def _shown(value: Any) -> str:
    text = "-" if value is None else escaped(str(value))
    return text if text and not any(one.isspace() or one in '"=' for one in text) else json.dumps(text)


def configure_logs(
    style: LogFormat, scrub: Scrubber, level: int = logging.INFO, stream: IO[str] | None = None
) -> logging.Handler:
    """Everything that is logged in this process goes to standard error from now on, and nowhere else."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(LineFormatter(style, scrub))
    root = logging.getLogger()
    for other in list(root.handlers):
        root.removeHandler(other)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True  # it would tell addresses with their queries
    logging.captureWarnings(True)
    return handler
