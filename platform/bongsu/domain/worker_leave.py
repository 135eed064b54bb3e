"""What a worker and the control plane tell each other about leave: may this attempt read that input, now.

An answer of the control plane is a decision, and no error: who asks was known, and had a right to ask.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from bongsu.domain.problems import BongsuError
from bongsu.domain.stored_words import StoredWords

PASS = "BONGSU_WORKER_PASS"
"""Environment variable with a :class:`WorkerPass`, for a worker that is a process of its own; which takes it out."""


class _Frozen(BaseModel):
    # What a newer control plane says besides is passed over.
    model_config = ConfigDict(frozen=True, extra="ignore")


class WorkerToken(_Frozen):
    """A token, and for how many seconds it holds: from now on, or from when the attempt begins."""

    token: str = Field(repr=False)
    lifetime: float = Field(ge=0)


class WorkerPass(WorkerToken):
    """What the worker of one attempt is handed: where to ask, and its own token. Never part of what is stored."""

    url: str


class Refusal(_Frozen):
    """A rule that says no: its code, the fact, and what would make it right."""

    code: str
    what: StoredWords
    fix: StoredWords = ""


class ReadLeave(_Frozen):
    """Whether a tree may be read; with no refusals it may."""

    permitted: bool
    refusals: tuple[Refusal, ...] = ()

    @classmethod
    def refused(cls, error: BongsuError) -> ReadLeave:
        found = (Refusal(code=one.code.name, what=one.sentence(), fix=one.remedy()) for one in error.problems)
        return cls(permitted=False, refusals=tuple(found))


GRANTED = ReadLeave(permitted=True)


def attempt_path(attempt_key: str) -> str:
    """Below which path of the API the worker of an attempt asks; ``attempt_key`` as of ``AttemptId.key``."""
    return f"/v1/attempts/{attempt_key}"
