"""Freed pages stay with a process that keeps them, unless its environment has decided about them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FAULTS_OF_REPEATED_BLOCKS = """
import ctypes, resource
from bongsu_stages.runtime.memory import keep_pages
library = ctypes.CDLL(None)
library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
library.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
keep_pages()
def step():
    blocks = [library.malloc(8 << 20) for _ in range(8)]
    for block in blocks:
        library.memset(block, 1, 8 << 20)
    for block in blocks:
        library.free(block)
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PAGES = (64 << 20) // 4096


@pytest.mark.skipif(sys.platform != "linux", reason="pages are kept by glibc")
@pytest.mark.parametrize(
    ("environment", "are_kept"), [({}, True), ({"MALLOC_MMAP_THRESHOLD_": "65536"}, False)], ids=["free", "decided"]
)
def test_pages_that_are_freed_and_taken_again_are_faulted_in_once(
    environment: dict[str, str], are_kept: bool
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAULTS_OF_REPEATED_BLOCKS],
        env={name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")} | environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (int(done.stdout) < PAGES / 10) == are_kept
