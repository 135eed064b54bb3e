"""Why a server was not reached, in words of ours: those of the operating system are its own, and of its language."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from bongsu.domain.messages import N_
from bongsu.domain.phrases import Words, phrase


def why(error: BaseException) -> Words:
    """Of an error that httpx raised; what is not known here is told as it is."""
    for one in _causes(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return phrase(N_("its certificate is not believed here ({detail})"), detail=one.verify_message)
        if isinstance(one, ssl.SSLError):
            return phrase(N_("what answers there speaks no TLS"))
        if isinstance(one, socket.gaierror):
            return phrase(N_("no machine is known by this name"))
        if isinstance(one, ConnectionRefusedError):
            return phrase(N_("nothing listens there"))
        if isinstance(one, httpx.TimeoutException | TimeoutError):
            return phrase(N_("there was no answer in time"))
    return str(error) or type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
