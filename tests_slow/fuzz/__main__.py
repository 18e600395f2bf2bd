"""`python -m tests_slow.fuzz`: schemathesis with as many cases as --cases says."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.api.raw_http import logged
from tests_slow.fuzz.run import Plan, run


def main() -> int:
    """Run schemathesis; return 0 if no check failed."""
    parser = argparse.ArgumentParser(prog="python -m tests_slow.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=300, help="of each operation, in each phase")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, logged():
        plan = Plan(cases=given.cases, seed=given.seed)
        outcome = asyncio.run(run(plan, Path(folder)))
    sys.stdout.write(outcome.output)
    return outcome.status


if __name__ == "__main__":
    sys.exit(main())
