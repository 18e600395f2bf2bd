"""Administrators' calls meet the same users and the same rules."""

import uuid
from typing import Any

import pytest

from tests.local_aws.support import PASSWORD, Harness, refusal, refusal_type

NEW = "N3wpassw0rd!"


def _unique() -> str:
    return f"user-{uuid.uuid4().hex}"


async def _create(harness: Harness, username: str, app: str = "public", **more: Any) -> None:  # noqa: ANN401 -- botocore's
    await harness.cognito.admin_create_user(
        UserPoolId=harness.apps[app].pool_id, Username=username, **more
    )


async def test_invitation_carries_a_password_that_works(harness: Harness) -> None:
    """A temporary password is drawn and sent."""
    username = _unique()
    attributes = [{"Name": "email", "Value": "invited@example.com"}]
    await _create(harness, username, UserAttributes=attributes)
    mail = harness.mail.last(username)
    assert (mail.purpose, mail.attribute, mail.destination) == (
        "invitation",
        "email",
        "invited@example.com",
    )
    begun = await harness.log_in(username, password=mail.code)
    assert begun["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


async def test_invitation_may_be_suppressed(harness: Harness) -> None:
    """Nothing is sent to whom nothing shall be sent."""
    username = _unique()
    await _create(harness, username, MessageAction="SUPPRESS", TemporaryPassword=PASSWORD)
    assert harness.mail.count(username) == 0


async def test_user_of_an_email_pool_is_invited_by_address(harness: Harness) -> None:
    """The address becomes an attribute there too."""
    email = f"{_unique()}@example.com"
    await _create(harness, email, "email")
    assert harness.mail.last(email).destination == email


async def test_code_for_a_created_user_names_the_address(harness: Harness) -> None:
    """Where nobody typed a name at sign-up, the message names the one to sign in with."""
    phone = f"+49{uuid.uuid4().int % 10**11:011}"
    pool_id = harness.apps["either"].pool_id
    await _create(harness, phone, "either", MessageAction="SUPPRESS")
    await harness.cognito.admin_update_user_attributes(
        UserPoolId=pool_id,
        Username=phone,
        UserAttributes=[{"Name": "phone_number_verified", "Value": "true"}],
    )
    await harness.cognito.admin_set_user_password(
        UserPoolId=pool_id, Username=phone, Password=NEW, Permanent=True
    )
    await harness.cognito.admin_reset_user_password(UserPoolId=pool_id, Username=phone)
    mail = harness.mail.last(phone)
    assert (mail.attribute, mail.destination) == ("phone_number", phone)


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"TemporaryPassword": "password"}, "InvalidPasswordException"),
        ({"UserAttributes": [{"Name": "x", "Value": "x"}]}, "InvalidParameterException"),
    ],
    ids=["weak", "unknown attribute"],
)
async def test_user_that_does_not_fit_is_refused(
    harness: Harness, more: dict[str, Any], error: str
) -> None:
    """The pool's rules hold for administrators."""
    assert await refusal_type(_create(harness, _unique(), **more)) == error


async def test_invitation_can_be_sent_again(harness: Harness) -> None:
    """Sent again, it carries another password, and the first one is void."""
    email = f"{_unique()}@example.com"
    await _create(harness, email, "email")
    first = harness.mail.last(email)
    await _create(harness, email.upper(), "email", MessageAction="RESEND")
    second = harness.mail.last(email.upper())
    assert (second.purpose, second.destination) == ("invitation", email)
    assert (
        await refusal_type(harness.log_in(email, "email", first.code)) == "NotAuthorizedException"
    )
    begun = await harness.log_in(email, "email", second.code)
    assert begun["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    listed = await harness.cognito.list_users(
        UserPoolId=harness.apps["email"].pool_id, Filter=f'email = "{email}"'
    )
    assert len(listed["Users"]) == 1


async def test_invitation_of_a_member_is_refused(harness: Harness) -> None:
    """Whoever has a password of their own is not invited again."""
    again = _create(harness, await harness.member(), MessageAction="RESEND")
    assert await refusal_type(again) == "UnsupportedUserStateException"


async def test_same_name_in_other_case_is_taken(harness: Harness) -> None:
    """User names differ in more than case."""
    username = await harness.sign_up()
    assert await refusal_type(_create(harness, username.upper())) == "UsernameExistsException"


async def test_confirmation_by_an_administrator_happens_once(harness: Harness) -> None:
    """A confirmed user cannot be confirmed again."""
    username = await harness.sign_up()
    pool_id = harness.apps["public"].pool_id
    await harness.cognito.admin_confirm_sign_up(UserPoolId=pool_id, Username=username.upper())
    assert await harness.tokens(username)
    again = harness.cognito.admin_confirm_sign_up(UserPoolId=pool_id, Username=username)
    assert await refusal(again) == (
        "NotAuthorizedException",
        "User cannot be confirmed. Current status is CONFIRMED",
    )


async def test_unknown_user_is_not_found(harness: Harness) -> None:
    """Administrators may know who exists."""
    shown = harness.cognito.admin_get_user(
        UserPoolId=harness.apps["hiding"].pool_id, Username="nobody"
    )
    assert await refusal(shown) == ("UserNotFoundException", "User does not exist.")


async def test_unknown_pool_is_not_found(harness: Harness) -> None:
    """A pool that does not exist has no users."""
    shown = harness.cognito.admin_get_user(UserPoolId="eu-central-1_x", Username="nobody")
    assert await refusal(shown) == (
        "ResourceNotFoundException",
        "User pool eu-central-1_x does not exist.",
    )


async def test_password_set_by_an_administrator_obeys_the_policy(harness: Harness) -> None:
    """A permanent password signs in, a weak one is refused."""
    username = await harness.sign_up()
    pool_id = harness.apps["public"].pool_id
    weak = harness.cognito.admin_set_user_password(
        UserPoolId=pool_id,
        Username=username,
        Password="password",  # noqa: S106 -- what is tested
    )
    assert await refusal_type(weak) == "InvalidPasswordException"
    await harness.cognito.admin_set_user_password(
        UserPoolId=pool_id, Username=username, Password=NEW, Permanent=True
    )
    assert await harness.tokens(username, password=NEW)


async def test_password_that_looks_like_a_form_names_nobody_else(harness: Harness) -> None:
    """What stands in one parameter does not fill another."""
    username = await harness.sign_up()
    other = await harness.sign_up()
    pool_id = harness.apps["public"].pool_id
    await harness.cognito.admin_update_user_attributes(
        UserPoolId=pool_id,
        Username=username,
        UserAttributes=[{"Name": "name", "Value": f"x&Username={other}&Action=Nothing&y="}],
    )
    shown = await harness.cognito.admin_get_user(UserPoolId=pool_id, Username=username)
    assert "name" in {item["Name"] for item in shown["UserAttributes"]}


async def test_attribute_outside_the_schema_is_refused(harness: Harness) -> None:
    """Administrators verify addresses, but do not invent attributes."""
    username = await harness.sign_up()
    pool_id = harness.apps["public"].pool_id
    updated = harness.cognito.admin_update_user_attributes(
        UserPoolId=pool_id, Username=username, UserAttributes=[{"Name": "x", "Value": "x"}]
    )
    assert await refusal_type(updated) == "InvalidParameterException"


async def test_administrator_signs_a_user_in_and_out(harness: Harness) -> None:
    """The administrator's flow takes the password, and the sign-out ends all sessions."""
    email = await harness.member("email", f"{await harness.sign_up()}@example.com")
    app = harness.apps["email"]
    answer = await harness.cognito.admin_initiate_auth(
        UserPoolId=app.pool_id,
        ClientId=app.client_id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD},
    )
    access = answer["AuthenticationResult"]["AccessToken"]
    sub = (await harness.attributes(access))["sub"]
    await harness.cognito.admin_user_global_sign_out(UserPoolId=app.pool_id, Username=sub)
    assert await refusal_type(harness.attributes(access)) == "NotAuthorizedException"


async def test_client_of_another_pool_is_not_found(harness: Harness) -> None:
    """Pool and client must belong together."""
    begun = harness.cognito.admin_initiate_auth(
        UserPoolId=harness.apps["email"].pool_id,
        ClientId=harness.apps["public"].client_id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
    )
    assert await refusal_type(begun) == "ResourceNotFoundException"


async def test_pool_has_aliases_or_user_name_attributes(harness: Harness) -> None:
    """One excludes the other."""
    created = harness.cognito.create_user_pool(
        PoolName="x", AliasAttributes=["email"], UsernameAttributes=["email"]
    )
    assert await refusal_type(created) == "InvalidParameterException"
