"""Freed memory stays with a process that asked for it."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from regard.training.allocator import keep_freed_memory
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
if sys.argv[1] == "keep" and not keep_freed_memory():
    sys.exit("another C library")
block = bytearray(200_000_000)
block[::4096] = b"x" * len(block[::4096])
before = resident()
del block
print(before - resident())
"""


def given_back(how):
    command = [sys.executable, "-c", PROGRAM, how]
    done = subprocess.run(command, capture_output=True, text=True)
    if "another C library" in done.stderr:
        pytest.skip("the C library is not GNU's")
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="it is for Linux")
def test_what_is_freed_stays():
    assert given_back("keep") < 20_000_000 < 150_000_000 < given_back("let go")
