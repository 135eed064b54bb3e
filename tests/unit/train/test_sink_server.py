"""What a worker says reaches the process that started it: in order, in few parcels, nothing forgotten, to the moment at
which it is killed; and nobody else is heard."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bongsu_stages.train import sink_server
from bongsu_stages.train.sink import Call, Ear, Parcel, RemoteSink, Sink
from bongsu_stages.train.sink_server import SinkServer

HOST = "127.0.0.1"


class Said(list[str]):
    def __init__(self) -> None:
        super().__init__()
        self.ages: list[float] = []

    def progress(self, step: int, total: int | None = None, **metrics: float) -> None:
        self.append(f"{step}/{total} {metrics}")

    def message(self, text: str) -> None:
        self.append(text)

    def phase(self, name: Any) -> None:
        self.append(f"[{name}]")

    def checkpointed(self, step: int) -> None:
        self.append(f"saved {step}")

    def earlier(self, seconds: float) -> Said:
        self.ages.append(seconds)
        return self


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def tell(sink: Sink, clock: Clock, last_step: int = 100) -> None:
    sink.phase("training")
    for step in range(1, last_step + 1):
        clock.now = step / 40
        sink.progress(step, 100, loss=1 / step)
        if step == 40:
            sink.checkpointed(40)
    sink.message("끝")


def tell_and_die(ear: Ear, parcels: Any) -> None:
    clock = Clock()
    sink = Counting(ear, clock)
    tell(sink, clock)
    parcels.put(sink.parcels)
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)


class Counting(RemoteSink):
    parcels = 0

    def _send(self) -> None:
        self.parcels += 1
        super()._send()


def test_everything_comes_out_in_order_and_steps_go_together() -> None:
    said, heard = Said(), Said()
    tell(said, Clock())
    context = multiprocessing.get_context("spawn")
    parcels = context.Queue()
    with SinkServer(HOST, heard) as server:
        worker = context.Process(target=tell_and_die, args=(server.ear, parcels))
        worker.start()
        assert parcels.get(timeout=60) < 10
        worker.join()
    assert worker.exitcode == -signal.SIGKILL
    assert heard == said
    assert max(heard.ages) == pytest.approx(1.0, abs=0.1), "steps are dated when they were made, not when they came"


def test_a_worker_that_never_spoke_holds_nobody_up() -> None:
    began = time.monotonic()
    with SinkServer(HOST, Said()):
        pass
    assert time.monotonic() - began < sink_server.LAST_WORDS_S


def test_why_the_workers_failed_is_raised() -> None:
    with pytest.raises(RuntimeError, match="lost"), SinkServer(HOST, Said()):
        raise RuntimeError("a worker was lost")


def test_a_stranger_is_not_heard(tmp_path: Path) -> None:
    heard = Said()
    with SinkServer(HOST, heard) as server:
        stranger = RemoteSink(replace(server.ear, token=bytes(len(server.ear.token))), Clock())
        stranger.message("Good day.")
        with socket.create_connection((HOST, server.ear.port)) as line:
            line.sendall(pickle.dumps(Malice(tmp_path / "made")))
            line.settimeout(10)
            with contextlib.suppress(ConnectionError):
                assert line.recv(1) == b"", "it is shown the door"
        hang_up(stranger)
    assert heard == []
    assert not (tmp_path / "made").exists()


def test_it_listens_at_the_address_that_it_was_given_alone() -> None:
    with SinkServer(HOST, Said()) as server:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", server.ear.port), timeout=10)
        socket.create_connection((HOST, server.ear.port), timeout=10).close()


class Malice:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mknod, (str(self._path),)


def test_the_token_is_in_no_printed_form() -> None:
    with SinkServer(HOST, Said()) as server:
        assert repr(server.ear.token) not in repr(RemoteSink(server.ear, time.monotonic))


def test_a_parcel_that_is_cut_off_ends_the_conversation() -> None:
    heard = Said()
    with SinkServer(HOST, heard) as server, socket.create_connection((HOST, server.ear.port)) as line:
        whole = pickle.dumps(Parcel([Call("message", ("one",), {}, 0.0)], 0.0))
        line.sendall(server.ear.token + whole + whole[:-3])
    assert heard == ["one"]


def test_who_speaks_when_nobody_listens_any_more_is_told() -> None:
    with SinkServer(HOST, Said()) as server:
        sink = RemoteSink(server.ear, time.monotonic)
    with pytest.raises(OSError, match="refused"):
        sink.message("Hello?")


def test_strangers_cost_one_thread_and_few_descriptors_and_hold_nobody_up() -> None:
    heard = Said()
    threads = threading.active_count()
    with contextlib.ExitStack() as lines:
        began = time.monotonic()
        with SinkServer(HOST, heard) as server:
            for _ in range(3 * sink_server.AT_THE_DOOR):
                line = lines.enter_context(socket.create_connection((HOST, server.ear.port)))
                line.send(b"x")
            sink = RemoteSink(server.ear, time.monotonic)
            sink.message("I am one of yours.")
            until(lambda: heard == ["I am one of yours."])
            assert threading.active_count() <= threads + 2
            hang_up(sink)
        assert time.monotonic() - began < sink_server.LAST_WORDS_S / 2


def test_who_drips_is_shown_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink_server, "KNOCK_S", 0.3)
    with SinkServer(HOST, Said()) as server, socket.create_connection((HOST, server.ear.port)) as line:
        line.settimeout(10)

        def drip() -> bool:
            with contextlib.suppress(OSError):
                line.send(b"x")
            time.sleep(0.1)
            line.setblocking(False)
            try:
                return line.recv(1) == b""
            except BlockingIOError:
                return False
            except OSError:
                return True
            finally:
                line.setblocking(True)

        until(drip)


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def hang_up(sink: RemoteSink) -> None:
    assert sink._line is not None
    sink._line.close()
