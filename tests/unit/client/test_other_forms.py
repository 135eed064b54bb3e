"""What a server of another version answers is told as such, whichever command asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bongsu.client.http import Server
from bongsu.client.remote import Remote
from bongsu.domain.labels import OPEN, Grade
from bongsu.domain.problems import BongsuError
from bongsu.domain.read_documents import part
from bongsu.service.plane import Pipeline

PIPELINE = """apiVersion: bongsu.dev/v1alpha1
kind: Pipeline
metadata: {name: sample, ministry: mnd}
spec:
  purpose: {useClass: administration, statement: Draft and search documents}
  stages: [{name: a, uses: probe}]
"""


class _Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        # Grades are asked for on the way to other answers.
        body = b'{"scheme": "n2sf", "grades": ["O", "S", "C"], "restricted": null}'
        if not self.path.startswith("/v1/grades"):
            body = b'{"run": {"id": "r-1"}, "variants": [{"odd": 1}], "odd": 1}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer

    def log_message(self, *_given: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


ASKED: dict[str, Callable[[Remote, Path], object]] = {
    "show": lambda remote, _file: remote.show("r-1"),
    "variants": lambda remote, _file: remote.variants("r-1"),
    "cancel": lambda remote, _file: remote.cancel("r-1"),
    "resume": lambda remote, _file: remote.resume("r-1", None, None),
    "watch": lambda remote, _file: remote.watch("r-1", None),
    "report": lambda remote, _file: remote.report("r-1", "en", str),
    "data set": lambda remote, file: remote.register_dataset("x", "artifact:1", file.parent, Grade.OPEN, ()),
    "label": lambda remote, _file: remote.raise_label("x/1", OPEN, "so"),
    "validate": lambda remote, file: remote.validate(_pipeline(file)),
    "plan": lambda remote, file: remote.plan(_pipeline(file)),
    "submit": lambda remote, file: remote.submit(_pipeline(file), lambda _warnings: None),
}


def _pipeline(file: Path) -> Pipeline:
    return Pipeline(file, {})


@pytest.mark.parametrize("command", ASKED)
def test_a_document_of_another_form_is_said_to_be_one(url: str, tmp_path: Path, command: str) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(PIPELINE)
    with pytest.raises(BongsuError) as caught:
        ASKED[command](Remote(Server(url, lambda _anew: "t", "en"), "mnd"), file)
    (problem,) = caught.value.problems
    assert problem.code.name == "client.not-understood"
    assert "/v1/" in str(problem.args["detail"])


def test_a_mistake_of_ours_is_not_laid_at_the_servers_door(url: str) -> None:
    server = Server(url, lambda _anew: "t", "en")
    for mistake in (KeyError("x"), TypeError("x"), ValueError("x"), AttributeError("x")):
        with pytest.raises(type(mistake)), server.understood("/v1/runs"):
            raise mistake
    with pytest.raises(BongsuError), server.understood("/v1/runs"):
        part({}, "run")


def test_a_page_without_items_is_of_another_form(url: str) -> None:
    with pytest.raises(BongsuError) as caught:
        list(Server(url, lambda _anew: "t", "en").items("/v1/models"))
    assert [one.code.name for one in caught.value.problems] == ["client.not-understood"]
