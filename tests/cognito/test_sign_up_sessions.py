"""The session of a sign-up: an unusable one confirms by the code alone, and reveals nothing."""

import pytest

from service.domain.accounts import NewAccount
from service.domain.errors import CodeMismatch
from service.domain.identity_provider import IdentityProvider
from tests.cognito.calls import ACCOUNT, CLIENT, CODE, USERNAME
from tests.support.cognito_answers import SESSION, USER_ID
from tests.support.scripted_cognito import ScriptedCognito, Step, refusal, success, usual

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXPIRED = refusal("NotAuthorizedException", "Invalid session for the user, session is expired.")
FOREIGN = refusal("NotAuthorizedException", "Invalid session for the user.")
USED = refusal(
    "CodeMismatchException", "Invalid session for the user, session can only be used once."
)
TOO_LONG = refusal("InvalidParameterException", "1 validation error detected: at 'session'")
UNUSABLE = pytest.mark.parametrize(
    "unusable", [EXPIRED, FOREIGN, USED, TOO_LONG], ids=["expired", "foreign", "used", "too long"]
)


@pytest.mark.parametrize("account", [ACCOUNT, NewAccount(USERNAME)], ids=["password", "none"])
async def test_session_of_a_sign_up_is_returned(
    account: NewAccount, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A sign-up returns Cognito's session, if there is one."""
    unconfirmed = {"UserConfirmed": False, "UserSub": USER_ID}
    cognito.answers("SignUp", success({**unconfirmed, "Session": SESSION}), success(unconfirmed))

    signed_up = [await provider.registrations.sign_up(account, CLIENT) for _ in range(2)]

    assert [each.session for each in signed_up] == [SESSION, None]
    assert SESSION not in repr(signed_up)


async def test_account_that_needs_no_confirmation_has_no_session(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """There is nothing left to confirm, so the session has no use."""
    cognito.answers(
        "SignUp", success({"UserConfirmed": True, "UserSub": USER_ID, "Session": SESSION})
    )

    assert (await provider.registrations.sign_up(ACCOUNT, CLIENT)).session is None


@UNUSABLE
async def test_unusable_session_confirms_without_a_sign_in(
    unusable: Step, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """The code is sent again without the session, and the confirmation has no session then."""
    cognito.answers("ConfirmSignUp", unusable, success({}))

    session = await provider.registrations.confirm(USERNAME, CODE, CLIENT, SESSION)

    assert session is None
    assert [request.arguments.get("Session") for request in cognito.received] == [SESSION, None]


@pytest.mark.parametrize("session", ["x", "x" * 19], ids=len)
async def test_malformed_session_is_as_an_expired_one(
    session: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A session that botocore refuses to send confirms by the code alone."""
    cognito.answers("ConfirmSignUp", success({}))

    assert await provider.registrations.confirm(USERNAME, CODE, CLIENT, session) is None

    assert "Session" not in cognito.arguments("ConfirmSignUp")


@UNUSABLE
async def test_unusable_session_does_not_reveal_accounts(
    unusable: Step, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A wrong code is the same error for existing users, whose session is refused, and unknown ones."""
    refusals = []
    for steps in ((unusable, refusal("CodeMismatchException")), (refusal("ExpiredCodeException"),)):
        cognito.answers("ConfirmSignUp", *steps)
        with pytest.raises(CodeMismatch) as refused:
            await provider.registrations.confirm(USERNAME, CODE, CLIENT, SESSION)
        refusals.append((str(refused.value), refused.value.retry_after_s))

    assert len(set(refusals)) == 1


async def test_wrong_code_is_sent_once(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A wrong code with a valid session counts once against Cognito's limit, and ends nothing."""
    cognito.answers("ConfirmSignUp", refusal("CodeMismatchException"), usual)

    with pytest.raises(CodeMismatch):
        await provider.registrations.confirm(USERNAME, CODE, CLIENT, SESSION)
    session = await provider.registrations.confirm(USERNAME, CODE, CLIENT, SESSION)

    assert session == SESSION
    assert cognito.operations == ["ConfirmSignUp"] * 2
