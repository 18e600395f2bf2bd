"""
The pytest fixture `local_cognito`: a user pool at a local Cognito.

pytest imports this module wherever the package is installed, so it imports what the fixture needs only
when a test uses it.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from local_aws.fixture import LocalCognito

NewPool = Callable[[], contextlib.AbstractContextManager["LocalCognito"]]


@pytest.fixture(scope="session")
def local_cognito_server() -> Iterator[NewPool]:
    """Serve the local AWS for this session; yields what creates user pools there."""
    from local_aws.fixture import serving_pools  # noqa: PLC0415 -- see above

    with serving_pools() as new_pool:
        yield new_pool


@pytest.fixture
def local_cognito(local_cognito_server: NewPool) -> Iterator["LocalCognito"]:
    """Return a new user pool with an app client, at a local Cognito that all tests share."""
    with local_cognito_server() as pool:
        yield pool
