"""No secret comes through into the log, in whatever text it stands and however it is written."""

from __future__ import annotations

import io
import json
import logging
import time
from collections.abc import Callable

import pytest

from bongsu.service.observing.log_format import LogFormat
from bongsu.service.observing.log_lines import LineFormatter, current_request
from bongsu.service.observing.scrubbing import Scrubber, known_secrets

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJraW0ifQ.c2lnbmF0dXJlLW9mLWtpbQ"
SECRET = "hunter2-Very.Secret"
PEM = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEI" + "A" * 40 + "\n-----END EC PRIVATE KEY-----"
TEXTS = {
    "header": f"Authorization: Bearer {JWT}",
    "header-opaque": f"authorization: Bearer {SECRET}",
    "header-basic": "Authorization: Basic a2ltOmh1bnRlcjItVmVyeS5TZWNyZXQ=",
    "headers-as-mapping": f"{{'authorization': 'Bearer {SECRET}', 'accept': '*/*'}}",
    "headers-as-pairs": f"[(b'authorization', b'Bearer {SECRET}'), (b'accept', b'*/*')]",
    "cookie": f"Cookie: session={SECRET}; theme=dark",
    "token-alone": f"cannot parse {JWT}",
    "database": f'connection to "postgresql+psycopg://bongsu:{SECRET}@db:5432/bongsu" failed',
    "database-odd": f"postgresql://bongsu:p@ss/{SECRET}@db/bongsu is not there",
    "conninfo": f"host=db user=bongsu password={SECRET} dbname=bongsu",
    "conninfo-quoted": f"host=db password='{SECRET} with blanks' dbname=bongsu",
    "query": f"GET /authorize?client_id=cli&code={SECRET}&state={SECRET}",
    "query-token": f"GET /v1/runs?access_token={SECRET}",
    "form": f"grant_type=client_credentials&client_secret={SECRET}&scope=x",
    "json": json.dumps({"client_secret": SECRET, "refresh_token": f"{SECRET} b"}),
    "repr": repr({"password": SECRET}),
    "device": f"device_code={SECRET}",
    "s3-secret": f"aws_secret_access_key={SECRET}",
    "s3-environment": f"AWS_SECRET_ACCESS_KEY: {SECRET}",
    "s3-signed": f"GET /b/k?X-Amz-Signature={SECRET}&X-Amz-Security-Token={SECRET}",
    "pem": f"loaded {PEM}",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_looks_like_a_secret_is_taken_out(text: str) -> None:
    shown = Scrubber()(text)
    for secret in (SECRET, JWT, "a2ltOmh1bnRlcjI", "MHcCAQEEI", "c2lnbmF0dXJl"):
        assert secret not in shown
    assert "***" in shown


def test_a_secret_of_this_process_is_taken_out_wherever_it_stands() -> None:
    environment = {
        "AWS_ACCESS_KEY_ID": "minio-user-of-bongsu",
        "AWS_SECRET_ACCESS_KEY": "s3/secret+key",
        "PGPASSWORD": "of postgres",
        "BONGSU_DATABASE": "postgresql://bongsu:p%40ss-word@db/bongsu",
        "HOME": "/home/bongsu",
    }
    scrub = Scrubber(known_secrets(environment, ["postgresql://other:elsewhere@db/x"]))
    told = scrub("minio-user-of-bongsu s3/secret+key s3%2Fsecret%2Bkey of postgres p%40ss-word p@ss-word elsewhere")
    assert set(told.split()) == {"***"}
    assert scrub("/home/bongsu") == "/home/bongsu"


@pytest.mark.parametrize(
    "hostile", ["token." * 4000, "http://a:" * 3000, "a" * 20000, "eyJaaaaa." * 3000, "password" * 3000]
)
def test_what_a_text_takes_grows_as_its_length_does(hostile: str) -> None:
    assert spent(hostile[:16_000]) < 10 * spent(hostile[:4_000]), "four times as much, and not sixteen times"


def spent(text: str) -> float:
    """Seconds of this thread on a processor, which others on the machine do not prolong; the least of some tries."""
    scrub, tries = Scrubber(), []
    for _ in range(5):
        began = time.thread_time()
        scrub(text)
        tries.append(time.thread_time() - began)
    return min(tries)


def test_words_that_are_no_secrets_stay() -> None:
    text = "run r-1hf7yat008j1 label=O stage=3 kind=train.continue: a token was refused, password authentication failed"
    assert Scrubber()(text) == text


Lines = Callable[[LogFormat], tuple[logging.Logger, io.StringIO]]


@pytest.fixture
def lines() -> Lines:
    logger = logging.Logger("bongsu.test")

    def made(style: LogFormat) -> tuple[logging.Logger, io.StringIO]:
        stream = io.StringIO()
        handler = logging.StreamHandler(stream)
        handler.setFormatter(LineFormatter(style, Scrubber()))
        logger.handlers = [handler]
        return logger, stream

    return made


@pytest.mark.parametrize("style", LogFormat)
def test_messages_arguments_facts_and_exceptions_are_all_gone_over(lines: Lines, style: LogFormat) -> None:
    logger, stream = lines(style)
    try:
        try:
            raise ValueError(f"password={SECRET}")
        except ValueError as error:
            raise RuntimeError(f"Authorization: Bearer {SECRET}") from error
    except RuntimeError:
        facts = {"run": "r-1", "detail": f"token={SECRET}", "object": {"secret": SECRET}}
        logger.exception("asked with %s", {"client_secret": SECRET}, extra={"facts": facts})
    told = stream.getvalue()
    assert SECRET not in told
    assert "RuntimeError" in told
    assert "ValueError" in told
    assert "r-1" in told


def test_a_line_of_json_has_what_a_machine_asks_for(lines: Lines) -> None:
    logger, stream = lines(LogFormat.JSON)
    token = current_request.set("0123456789abcdef")
    try:
        logger.warning("한국어\nand a new line", extra={"facts": {"status": 200, "seconds": 0.5, "actor": None}})
    finally:
        current_request.reset(token)
    (line,) = stream.getvalue().splitlines()
    document = json.loads(line)
    assert document.pop("time").endswith("Z")
    assert document == {
        "level": "warning",
        "logger": "bongsu.test",
        "message": "한국어\nand a new line",
        "request": "0123456789abcdef",
        "status": 200,
        "seconds": 0.5,
        "actor": None,
    }


def test_nobody_makes_two_lines_of_one_or_repaints_the_terminal(lines: Lines) -> None:
    logger, stream = lines(LogFormat.TEXT)
    logger.info("path\n2026-01-01 INFO forged", extra={"facts": {"by": "a b\nc", "title": "\x1b[2J"}})
    told = stream.getvalue()
    assert len(told.splitlines()) == 1
    assert "\x1b" not in told
    assert 'by="a b\\nc"' in told


def test_arguments_that_do_not_fit_end_nothing(lines: Lines) -> None:
    logger, stream = lines(LogFormat.TEXT)
    arguments = ("x",)
    logger.info("%d of %d", *arguments)
    assert "%d of %d" in stream.getvalue()
