"""A process is weighed with all that it starts."""

import os
import subprocess
import sys

from bench.machine import Cores, conditions
from bench.process import Process, Program, family, running

# Starts a child, and says so once the child runs; both wait to be ended.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "print(flush=True); import time; time.sleep(60)"],
                         stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""
PROGRAM = Program("parent", (sys.executable, "-c", PARENT), {"PATH": os.defpath})


def test_children_count() -> None:
    """CPU and memory are those of a process and of its children together."""
    with running(PROGRAM, stdout=subprocess.PIPE) as process:
        child = int(process.first_line())
        members = family(process.pid)
        resident_mib = process.resident_mib()
        cpu_s = process.cpu_s()
        process.settle()
        os.kill(child, 15)

    assert members == [process.pid, child]
    assert resident_mib > 8  # two interpreters have more, one alone as well
    assert cpu_s > 0
    assert not process.is_running()


def test_what_has_ended_weighs_nothing() -> None:
    """A process that ends during a measurement has no CPU and no memory any more."""
    process = Process(Program("short", (sys.executable, "-c", ""), {"PATH": os.defpath}))
    process.stop()

    assert (process.cpu_s(), process.resident_mib()) == (0, 0)


def test_server_has_a_core_of_its_own() -> None:
    """The first core is the server's and the others are the rest's; one core is shared."""
    assert Cores.shared_out({3, 5, 4}) == Cores(frozenset({3}), frozenset({4, 5}))
    assert Cores.shared_out({2}) == Cores(frozenset({2}), frozenset({2}))


def test_conditions_name_machine_and_packages() -> None:
    """A result says on what it was got."""
    known = conditions()

    assert known["cpu"]
    assert {"aiohttp", "uvloop", "botocore"} <= known["packages"].keys()
