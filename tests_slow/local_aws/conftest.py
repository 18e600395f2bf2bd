"""A program that was written against AWS, for the tests of each kind of caller."""

from collections.abc import Iterator

import pytest

from tests_slow.local_aws.boto3_programs import Program, running_program


@pytest.fixture(scope="module", name="program")
def _program() -> Iterator[Program]:
    """Start a local AWS with the program's clients; the tests of a module share it."""
    with running_program() as program:
        yield program
