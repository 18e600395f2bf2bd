"""Administrators' calls meet the same users and the same rules."""

import uuid
from typing import Any

import pytest

from tests.local_aws.support import PASSWORD, Stage, refusal, refusal_type

NEW = "N3wpassw0rd!"


def _unique() -> str:
    return f"user-{uuid.uuid4().hex}"


async def _create(stage: Stage, username: str, app: str = "public", **more: Any) -> None:  # noqa: ANN401 -- botocore's
    await stage.cognito.admin_create_user(
        UserPoolId=stage.apps[app].pool_id, Username=username, **more
    )


async def test_invitation_carries_a_password_that_works(stage: Stage) -> None:
    """A temporary password is drawn and sent."""
    username = _unique()
    attributes = [{"Name": "email", "Value": "invited@example.com"}]
    await _create(stage, username, UserAttributes=attributes)
    mail = stage.mail.last(username)
    assert (mail.purpose, mail.attribute, mail.destination) == (
        "invitation",
        "email",
        "invited@example.com",
    )
    begun = await stage.log_in(username, password=mail.code)
    assert begun["ChallengeName"] == "NEW_PASSWORD_REQUIRED"


async def test_invitation_may_be_suppressed(stage: Stage) -> None:
    """Nothing is sent to whom nothing shall be sent."""
    username = _unique()
    await _create(stage, username, MessageAction="SUPPRESS", TemporaryPassword=PASSWORD)
    assert stage.mail.count(username) == 0


async def test_user_of_an_email_pool_is_invited_by_address(stage: Stage) -> None:
    """The address becomes an attribute there too."""
    email = f"{_unique()}@example.com"
    await _create(stage, email, "email")
    assert stage.mail.last(email).destination == email


async def test_code_for_a_created_user_names_the_address(stage: Stage) -> None:
    """Where nobody typed a name at sign-up, the message names the one to sign in with."""
    phone = f"+49{uuid.uuid4().int % 10**11:011}"
    pool_id = stage.apps["either"].pool_id
    await _create(stage, phone, "either", MessageAction="SUPPRESS")
    await stage.cognito.admin_update_user_attributes(
        UserPoolId=pool_id,
        Username=phone,
        UserAttributes=[{"Name": "phone_number_verified", "Value": "true"}],
    )
    await stage.cognito.admin_set_user_password(
        UserPoolId=pool_id, Username=phone, Password=NEW, Permanent=True
    )
    await stage.cognito.admin_reset_user_password(UserPoolId=pool_id, Username=phone)
    mail = stage.mail.last(phone)
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
    stage: Stage, more: dict[str, Any], error: str
) -> None:
    """The pool's rules hold for administrators."""
    assert await refusal_type(_create(stage, _unique(), **more)) == error


async def test_invitation_can_be_sent_again(stage: Stage) -> None:
    """Sent again, it carries another password, and the first one is void."""
    email = f"{_unique()}@example.com"
    await _create(stage, email, "email")
    first = stage.mail.last(email)
    await _create(stage, email.upper(), "email", MessageAction="RESEND")
    second = stage.mail.last(email.upper())
    assert (second.purpose, second.destination) == ("invitation", email)
    assert await refusal_type(stage.log_in(email, "email", first.code)) == "NotAuthorizedException"
    begun = await stage.log_in(email, "email", second.code)
    assert begun["ChallengeName"] == "NEW_PASSWORD_REQUIRED"
    listed = await stage.cognito.list_users(
        UserPoolId=stage.apps["email"].pool_id, Filter=f'email = "{email}"'
    )
    assert len(listed["Users"]) == 1


async def test_invitation_of_a_member_is_refused(stage: Stage) -> None:
    """Whoever has a password of their own is not invited again."""
    again = _create(stage, await stage.member(), MessageAction="RESEND")
    assert await refusal_type(again) == "UnsupportedUserStateException"


async def test_same_name_in_other_case_is_taken(stage: Stage) -> None:
    """User names differ in more than case."""
    username = await stage.sign_up()
    assert await refusal_type(_create(stage, username.upper())) == "UsernameExistsException"


async def test_confirmation_by_an_administrator_happens_once(stage: Stage) -> None:
    """A confirmed user cannot be confirmed again."""
    username = await stage.sign_up()
    pool_id = stage.apps["public"].pool_id
    await stage.cognito.admin_confirm_sign_up(UserPoolId=pool_id, Username=username.upper())
    assert await stage.tokens(username)
    again = stage.cognito.admin_confirm_sign_up(UserPoolId=pool_id, Username=username)
    assert await refusal(again) == (
        "NotAuthorizedException",
        "User cannot be confirmed. Current status is CONFIRMED",
    )


async def test_unknown_user_is_not_found(stage: Stage) -> None:
    """Administrators may know who exists."""
    shown = stage.cognito.admin_get_user(UserPoolId=stage.apps["hiding"].pool_id, Username="nobody")
    assert await refusal(shown) == ("UserNotFoundException", "User does not exist.")


async def test_unknown_pool_is_not_found(stage: Stage) -> None:
    """A pool that does not exist has no users."""
    shown = stage.cognito.admin_get_user(UserPoolId="eu-central-1_x", Username="nobody")
    assert await refusal(shown) == (
        "ResourceNotFoundException",
        "User pool eu-central-1_x does not exist.",
    )


async def test_password_set_by_an_administrator_obeys_the_policy(stage: Stage) -> None:
    """A permanent password signs in, a weak one is refused."""
    username = await stage.sign_up()
    pool_id = stage.apps["public"].pool_id
    weak = stage.cognito.admin_set_user_password(
        UserPoolId=pool_id,
        Username=username,
        Password="password",  # noqa: S106 -- what is tested
    )
    assert await refusal_type(weak) == "InvalidPasswordException"
    await stage.cognito.admin_set_user_password(
        UserPoolId=pool_id, Username=username, Password=NEW, Permanent=True
    )
    assert await stage.tokens(username, password=NEW)


async def test_password_that_looks_like_a_form_names_nobody_else(stage: Stage) -> None:
    """What stands in one parameter does not fill another."""
    username = await stage.sign_up()
    other = await stage.sign_up()
    pool_id = stage.apps["public"].pool_id
    await stage.cognito.admin_update_user_attributes(
        UserPoolId=pool_id,
        Username=username,
        UserAttributes=[{"Name": "name", "Value": f"x&Username={other}&Action=Nothing&y="}],
    )
    shown = await stage.cognito.admin_get_user(UserPoolId=pool_id, Username=username)
    assert "name" in {item["Name"] for item in shown["UserAttributes"]}


async def test_attribute_outside_the_schema_is_refused(stage: Stage) -> None:
    """Administrators verify addresses, but do not invent attributes."""
    username = await stage.sign_up()
    pool_id = stage.apps["public"].pool_id
    updated = stage.cognito.admin_update_user_attributes(
        UserPoolId=pool_id, Username=username, UserAttributes=[{"Name": "x", "Value": "x"}]
    )
    assert await refusal_type(updated) == "InvalidParameterException"


async def test_administrator_signs_a_user_in_and_out(stage: Stage) -> None:
    """The administrator's flow takes the password, and the sign-out ends all sessions."""
    email = await stage.member("email", f"{await stage.sign_up()}@example.com")
    app = stage.apps["email"]
    answer = await stage.cognito.admin_initiate_auth(
        UserPoolId=app.pool_id,
        ClientId=app.client_id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD},
    )
    access = answer["AuthenticationResult"]["AccessToken"]
    sub = (await stage.attributes(access))["sub"]
    await stage.cognito.admin_user_global_sign_out(UserPoolId=app.pool_id, Username=sub)
    assert await refusal_type(stage.attributes(access)) == "NotAuthorizedException"


async def test_client_of_another_pool_is_not_found(stage: Stage) -> None:
    """Pool and client must belong together."""
    begun = stage.cognito.admin_initiate_auth(
        UserPoolId=stage.apps["email"].pool_id,
        ClientId=stage.apps["public"].client_id,
        AuthFlow="ADMIN_USER_PASSWORD_AUTH",
    )
    assert await refusal_type(begun) == "ResourceNotFoundException"


async def test_pool_has_aliases_or_user_name_attributes(stage: Stage) -> None:
    """One excludes the other."""
    created = stage.cognito.create_user_pool(
        PoolName="x", AliasAttributes=["email"], UsernameAttributes=["email"]
    )
    assert await refusal_type(created) == "InvalidParameterException"
