"""Errors keep what they are on their way between processes."""

from __future__ import annotations

import pickle

from bongsu.artifacts.checking import is_damage
from bongsu.domain.codes import artifact as codes
from bongsu.domain.problems import BongsuError, Location


def test_an_error_that_comes_from_another_process_is_the_same_error() -> None:
    problems = [
        codes.CORRUPT.at(path="a", digest="sha256:0", detail="other bytes"),
        codes.MISSING.at(Location("a.yaml", 3, 1), "spec.inputs", digest="sha256:1", store="here"),
    ]
    error = BongsuError(problems)
    came = pickle.loads(pickle.dumps(error))
    assert isinstance(came, BongsuError)
    assert came.problems == error.problems
    assert (str(came), came.exit_code, is_damage(came)) == (str(error), error.exit_code, True)
