"""What each exception of Cognito means."""

import botocore.session
import pytest
from botocore.exceptions import ClientError

from service.aws import ErrorTable, translated
from service.domain import errors
from service.domain.errors import ServiceError
from service.identity_provider import cognito_errors

CALLS: dict[str, tuple[ErrorTable, set[str]]] = {
    # operation -> its table, and the exceptions that the adapter itself handles
    "SignUp": (cognito_errors.SIGN_UP, set()),
    "ConfirmSignUp": (cognito_errors.CONFIRM_SIGN_UP, set()),
    "ResendConfirmationCode": (
        cognito_errors.RESEND_CONFIRMATION_CODE,
        {"UserNotFoundException"},
    ),
    "InitiateAuth": (cognito_errors.INITIATE_AUTH, set()),
    "GetTokensFromRefreshToken": (cognito_errors.GET_TOKENS_FROM_REFRESH_TOKEN, set()),
    "RevokeToken": (
        cognito_errors.REVOKE_TOKEN,
        {"UnauthorizedException", "UnsupportedTokenTypeException"},
    ),
    "GlobalSignOut": (cognito_errors.GLOBAL_SIGN_OUT, set()),
}


@pytest.mark.parametrize("operation", CALLS)
def test_every_exception_of_the_model_has_a_meaning(operation: str) -> None:
    """What the service model says a call can raise is mapped, or handled by the adapter."""
    model = botocore.session.get_session().get_service_model("cognito-idp")
    table, handled = CALLS[operation]

    raised = {shape.name for shape in model.operation_model(operation).error_shapes}

    assert raised - set(table) - handled == set()


def meaning(table: ErrorTable, name: str, message: str) -> ServiceError:
    """Return what an exception with that name and message is translated to."""
    with pytest.raises(ServiceError) as raised, translated(table):
        raise ClientError({"Error": {"Code": name, "Message": message}}, "Operation")
    return raised.value


@pytest.mark.parametrize(
    ("table", "message", "kind", "retry_after_s"),
    [
        (
            cognito_errors.SIGN_UP,
            "SignUp is not permitted for this user pool",
            "signup_disabled",
            None,
        ),
        (
            cognito_errors.SIGN_UP,
            "SecretHash does not match for the client: x",
            "misconfigured",
            None,
        ),
        (
            cognito_errors.CONFIRM_SIGN_UP,
            "User cannot be confirmed. Current status is CONFIRMED",
            "code_mismatch",
            None,
        ),
        (
            cognito_errors.CONFIRM_SIGN_UP,
            "Unable to verify secret hash for client x",
            "misconfigured",
            None,
        ),
        (
            cognito_errors.INITIATE_AUTH,
            "Incorrect username or password.",
            "invalid_credentials",
            None,
        ),
        (cognito_errors.INITIATE_AUTH, "User is disabled.", "invalid_credentials", None),
        (cognito_errors.INITIATE_AUTH, "Password attempts exceeded", "too_many_attempts", 900),
        (cognito_errors.INITIATE_AUTH, "Invalid session for the user.", "challenge_expired", None),
        (
            cognito_errors.INITIATE_AUTH,
            "Client x is configured for secret but secret was not received",
            "misconfigured",
            None,
        ),
        (cognito_errors.INITIATE_AUTH, "", "invalid_credentials", None),
        (
            cognito_errors.GET_TOKENS_FROM_REFRESH_TOKEN,
            "Refresh Token has been revoked",
            "refresh_token_invalid",
            None,
        ),
        (
            cognito_errors.GET_TOKENS_FROM_REFRESH_TOKEN,
            "SecretHash does not match for the client: x",
            "misconfigured",
            None,
        ),
        (cognito_errors.GLOBAL_SIGN_OUT, "Access Token has been revoked", "token_invalid", None),
    ],
)
def test_message_tells_the_meanings_of_not_authorized_apart(
    table: ErrorTable, message: str, kind: str, retry_after_s: int | None
) -> None:
    """NotAuthorizedException means several things; an unknown text is the caller's least telling one."""
    error = meaning(table, "NotAuthorizedException", message)

    assert (error.code, error.retry_after_s) == (kind, retry_after_s)


@pytest.mark.parametrize(
    ("name", "code", "retry_after_s"),
    [
        ("LimitExceededException", "too_many_attempts", 3_600),
        ("TooManyRequestsException", "throttled", 1),
        ("InternalErrorException", "upstream_unavailable", 1),
        ("ForbiddenException", "blocked", None),
        ("UserLambdaValidationException", "rejected_by_policy", None),
        ("CodeDeliveryFailureException", "delivery_failed", None),
        ("InvalidPasswordException", "weak_password", None),
        ("ResourceNotFoundException", "misconfigured", None),
    ],
)
def test_exception_has_its_documented_code(name: str, code: str, retry_after_s: int | None) -> None:
    """One exception, one code; where waiting helps, it says how long."""
    error = meaning(cognito_errors.SIGN_UP, name, "of an upstream")

    assert (error.code, error.retry_after_s) == (code, retry_after_s)
    assert "upstream" not in error.public_detail


def test_expired_code_of_a_confirmation_does_not_tell_of_the_user() -> None:
    """Cognito says "expired" of users that it does not know, so nobody hears it."""
    for name in ("CodeMismatchException", "ExpiredCodeException", "UserNotFoundException"):
        assert isinstance(meaning(cognito_errors.CONFIRM_SIGN_UP, name, ""), errors.CodeMismatch)
