"""Errors keep what they are on their way between processes."""

from __future__ import annotations

import pickle

from bongsu.artifacts.checking import is_damage
from bongsu.domain.codes import artifact as codes
from bongsu.domain.problems import BongsuError, Code, Location


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


FAULTS = (("a.file", 2), ("a.machine", 7), ("a.store", 8))


def test_what_another_machine_does_not_mend_decides_the_status() -> None:
    file, machine, data = (Code(name, "It is wrong.", "Mend it.", status).at() for name, status in FAULTS)
    assert [BongsuError(found).exit_code for found in ([file, machine], [machine], [file, machine, data])] == [
        2,
        7,
        8,
    ]
