"""Errors that exist for existing users only are hidden from the caller, not from the operator."""

import pytest
from structlog.testing import capture_logs

from service.aws.clients import Clients
from service.cognito.adapters import identity_provider
from service.config.settings import CognitoConfig
from service.domain.errors import CodeMismatch, InvalidCredentials, ServiceError
from service.domain.sessions import ChallengeAnswer
from service.observability.metrics.catalogue import Metrics
from tests.cognito.calls import CALLS, CLIENT, PASSWORD, USERNAME, operation_of
from tests.observability.metrics.samples import samples_of
from tests.support.cognito_answers import SESSION
from tests.support.scripted_cognito import ScriptedCognito, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOCKED_OUT = "Password attempts exceeded"


@pytest.mark.parametrize(
    ("call", "name", "message", "reason", "level"),
    [
        ("ConfirmSignUp", "LimitExceeded", None, "user_limit", "info"),
        ("ConfirmForgotPassword", "TooManyFailedAttempts", None, "user_limit", "info"),
        ("InitiateAuth", "NotAuthorized", LOCKED_OUT, "lockout", "info"),
        ("RespondToAuthChallenge", "NotAuthorized", LOCKED_OUT, "lockout", "info"),
        ("RespondToAuthChallenge", "LimitExceeded", None, "user_limit", "info"),
        ("ForgotPassword", "LimitExceeded", None, "user_limit", "info"),
        ("ForgotPassword", "CodeDeliveryFailure", None, "delivery", "warning"),
        ("ResendConfirmationCode", "UserLambdaValidation", None, "trigger", "warning"),
        (
            "ResendConfirmationCode",
            "InvalidSmsRoleTrustRelationship",
            None,
            "sending_role",
            "warning",
        ),
    ],
)
async def test_reason_is_in_log_and_metrics(  # noqa: PLR0913, PLR0917 -- a row of the table and its stage
    call: str,
    name: str,
    message: str | None,
    reason: str,
    level: str,
    client: Clients,
    app_client: CognitoConfig,
    cognito: ScriptedCognito,
) -> None:
    """The log names operation, exception and reason, and the metrics count them."""
    metrics = Metrics()
    provider = identity_provider(
        client.cognito, config=app_client, on_masked=metrics.refusal_masked
    )
    operation = operation_of(call)
    cognito.answers(operation, refusal(f"{name}Exception", message))

    with capture_logs() as logged:
        try:
            await CALLS[call](provider)
        except ServiceError as error:
            assert isinstance(error, CodeMismatch | InvalidCredentials)  # noqa: PT017 -- some calls answer without one

    assert logged == [
        {
            "event": "cognito_refusal_masked",
            "log_level": level,
            "operation": operation,
            "error": f"{name}Exception",
            "reason": reason,
            "message": message or "",
        }
    ]
    sample = f'cognito_refusals_masked_total{{operation="{operation}",reason="{reason}"}}'
    assert samples_of(metrics)[sample] == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [("NotAuthorized", LOCKED_OUT), ("LimitExceeded", None), ("TooManyFailedAttempts", None)],
)
async def test_limit_of_a_challenge_is_a_wrong_answer(
    name: str,
    message: str | None,
    client: Clients,
    app_client: CognitoConfig,
    cognito: ScriptedCognito,
) -> None:
    """A user's limit is a wrong code or a wrong password, as for an unknown user."""
    sessions = identity_provider(client.cognito, config=app_client).sessions
    cognito.answers("RespondToAuthChallenge", refusal(f"{name}Exception", message))

    with pytest.raises(CodeMismatch):
        await sessions.answer(
            ChallengeAnswer("EMAIL_OTP", SESSION, USERNAME, code="123456"), CLIENT
        )
    with pytest.raises(InvalidCredentials):
        await sessions.answer(
            ChallengeAnswer("PASSWORD", SESSION, USERNAME, password=PASSWORD), CLIENT
        )
