"""Lines of requirements files: what they name, in time that grows with their length."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bongsu.machine.requirements import named_in

LONG = {
    "blanks behind an option": '"-r" + " " * 400_000',
    "blanks and signs": '"-r" + " =" * 200_000',
    "lines that go on": '"\\\\\\n" * 200_000',
    "remarks": '" #" * 200_000',
}


@pytest.mark.parametrize("how", LONG)
def test_a_long_line_is_read_in_one_pass(how: str) -> None:
    """One that goes over its blanks for each of them takes hours."""
    script = f"from bongsu.machine.requirements import named_in\nprint(len(named_in(({LONG[how]}).encode())))"
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert int(made.stdout) == 0


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("-r a.txt  # -r b.txt\n#-c c.txt\n", ["a.txt"]),
        ("-ra.txt\n-c = b.txt\n--constraint=c.txt\n--requirement\td.txt\n", ["a.txt", "b.txt", "c.txt", "d.txt"]),
        ("-r \\\n  'a.txt'\n", ["a.txt"]),
        ("one==1 --hash=sha256:00\ntwo-r==2\n--require-hashes\n", []),
    ],
)
def test_files_that_are_included_are_those_that_pip_would_read(text: str, names: list[str]) -> None:
    assert [one.name for one in named_in(text.encode()) if one.is_included] == names
