"""The probe of the app client: Cognito accepts its id and its secret, or names the setting."""

from collections.abc import Awaitable, Callable

import pytest

from service.config.loader import Settings
from service.deployment_checks.app_client_probe import check_app_client
from service.deployment_checks.doctor import aws_clients
from service.deployment_checks.results import CheckResult, Status
from tests.deployment_checks.conftest import Account
from tests.support.configs import configured
from tests.support.scripted_aws import answer, scripted_server

Probe = Callable[..., Awaitable[CheckResult | None]]
ANOTHER = "0123456789abcdef"  # the secret of no app client


@pytest.fixture
def probe(right: Settings, sdk: pytest.MonkeyPatch) -> Probe:
    """Return what probes the app client of the right set-up with other settings over it."""
    del sdk

    async def probed(**cognito: str) -> CheckResult | None:
        options = {key.replace("_", "-"): value for key, value in cognito.items()}
        config = configured(right, {"aws.cognito": options})
        async with aws_clients(config) as clients:
            return await check_app_client(clients.cognito, config.cognito)

    return probed


async def test_app_clients_with_and_without_a_secret_are_accepted(
    account: Account, pool_id: str, probe: Probe
) -> None:
    """Cognito finds nothing wrong with id and secret, and no user is made."""
    own = account.app_client(pool_id, GenerateSecret=True)
    before = account.users(pool_id)

    for accepted in (
        await probe(),
        await probe(client_id=own["ClientId"], client_secret=own["ClientSecret"]),
    ):
        assert accepted is not None
        assert accepted.status is Status.OK
    assert account.users(pool_id) == before


async def test_wrong_app_clients_are_named(account: Account, pool_id: str, probe: Probe) -> None:
    """The advice names the setting: the id, or a secret that is missing, wrong or superfluous."""
    own = account.app_client(pool_id, GenerateSecret=True)["ClientId"]
    results = [
        await probe(client_id="0123456789abcdefghijklmnop"),
        await probe(client_id=own),
        await probe(client_id=own, client_secret=ANOTHER),
        await probe(client_secret=ANOTHER),
    ]

    variables = ["AWS_COGNITO_CLIENT_ID", *["AWS_COGNITO_CLIENT_SECRET"] * 3]
    for result, variable in zip(results, variables, strict=True):
        assert result is not None
        assert result.status is Status.WRONG
        assert variable in result.advice


async def test_cognito_that_does_not_answer_says_nothing(probe: Probe) -> None:
    """Neither a refused connection nor an error of Cognito's own says that a setting is wrong."""
    broken = answer({"__type": "InternalErrorException", "message": "busy"}, status=500)
    async with scripted_server(broken) as cognito:
        assert await probe(endpoint_url=cognito.url) is None
    assert await probe(endpoint_url=cognito.url) is None
