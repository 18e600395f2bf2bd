"""Users change their attributes within the schema, and prove their addresses."""

from typing import Any

import pytest

from tests.local_aws.support import Harness, refusal, refusal_type, wrong


async def _update(harness: Harness, access: str, **attributes: str) -> Any:  # noqa: ANN401 -- botocore's
    answer = await harness.cognito.update_user_attributes(
        AccessToken=access,
        UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()],
    )
    return answer["CodeDeliveryDetailsList"]


async def _signed_in(harness: Harness, app: str = "public", **attributes: str) -> tuple[str, str]:
    username = await harness.member(app, **attributes)
    return username, (await harness.tokens(username, app))["AccessToken"]


async def _verify(harness: Harness, access: str, code: str, name: str = "email") -> None:
    await harness.cognito.verify_user_attribute(AccessToken=access, AttributeName=name, Code=code)


async def _send_code(harness: Harness, access: str, name: str = "email") -> Any:  # noqa: ANN401 -- botocore's
    answer = await harness.cognito.get_user_attribute_verification_code(
        AccessToken=access, AttributeName=name
    )
    return answer["CodeDeliveryDetails"]


async def test_change_takes_effect(harness: Harness) -> None:
    """What is not an address changes at once and sends nothing."""
    username, access = await _signed_in(harness)
    sent = harness.mail.count(username)
    assert await _update(harness, access, name="Alice", **{"custom:team": "red"}) == []
    assert (await harness.attributes(access)).items() >= {
        "name": "Alice",
        "custom:team": "red",
    }.items()
    assert harness.mail.count(username) == sent


@pytest.mark.parametrize(
    ("attribute", "value", "error", "message"),
    [
        ("sub", "x", "InvalidParameterException", "user.sub: Attribute cannot be updated.\n"),
        (
            "custom:badge",
            "x",
            "InvalidParameterException",
            "user.custom:badge: Attribute cannot be updated.\n",
        ),
        (
            "nonsense",
            "x",
            "InvalidParameterException",
            "user.nonsense: Attribute does not exist in the schema.\n",
        ),
        (
            "email_verified",
            "true",
            "NotAuthorizedException",
            "A client attempted to write unauthorized attribute",
        ),
        ("email", "nowhere", "InvalidParameterException", "Invalid email address format."),
    ],
)
async def test_change_that_does_not_fit_is_refused(
    harness: Harness, attribute: str, value: str, error: str, message: str
) -> None:
    """Some attributes are not the user's to change."""
    _, access = await _signed_in(harness)
    assert await refusal(_update(harness, access, **{attribute: value})) == (error, message)


async def test_new_address_is_unverified_until_its_code_comes_back(harness: Harness) -> None:
    """A changed address gets a code of its own."""
    username, access = await _signed_in(harness)
    assert await _update(harness, access, email="new@example.org") == [
        {"Destination": "n***@e***", "DeliveryMedium": "EMAIL", "AttributeName": "email"}
    ]
    mail = harness.mail.last(username)
    assert (mail.purpose, mail.destination) == ("attribute verification", "new@example.org")
    assert (await harness.attributes(access))["email_verified"] == "false"
    assert await refusal_type(_verify(harness, access, wrong(mail.code))) == "CodeMismatchException"
    await _verify(harness, access, mail.code)
    assert (await harness.attributes(access))["email_verified"] == "true"
    assert await refusal_type(_verify(harness, access, mail.code)) == "ExpiredCodeException"


async def test_same_address_is_no_change(harness: Harness) -> None:
    """Writing the address that is there keeps it verified."""
    username, access = await _signed_in(harness)
    assert await _update(harness, access, email=f"{username}@example.com") == []
    assert (await harness.attributes(access))["email_verified"] == "true"


async def test_changed_address_voids_the_code_of_the_old_one(harness: Harness) -> None:
    """A code proves the address to which it went, and no other."""
    username, access = await _signed_in(harness, "bare")
    await _send_code(harness, access)
    code = harness.mail.code(username)
    assert await _update(harness, access, email="other@example.org") == []
    assert await refusal_type(_verify(harness, access, code)) == "ExpiredCodeException"


async def test_address_may_wait_for_its_code(harness: Harness) -> None:
    """A pool may keep the old address until the new one is verified."""
    name = await harness.sign_up()
    email = await harness.member("either", f"{name}@example.com")
    access = (await harness.tokens(email, "either"))["AccessToken"]
    new = f"new-{name}@example.com"
    assert len(await _update(harness, access, email=new)) == 1
    assert (await harness.attributes(access))["email"] == email
    await _verify(harness, access, harness.mail.code(email))
    assert (await harness.attributes(access))["email"] == new
    assert await harness.tokens(new, "either")


async def test_address_of_somebody_else_is_refused(harness: Harness) -> None:
    """Where the address is the user name there is one user for it."""
    first = await harness.member("email", f"{await harness.sign_up()}@example.com")
    second = await harness.member("email", f"{await harness.sign_up()}@example.com")
    access = (await harness.tokens(second, "email"))["AccessToken"]
    assert await refusal_type(_update(harness, access, email=first)) == "AliasExistsException"
    await _update(harness, access, email=f"x{second}")
    assert await harness.tokens(f"x{second}", "email")


async def test_address_taken_meanwhile_is_refused(harness: Harness) -> None:
    """Two users may ask for one address; the first to prove it has it."""
    name = await harness.sign_up()
    wanted = f"wanted-{name}@example.com"
    email = await harness.member("either", f"{name}@example.com")
    access = (await harness.tokens(email, "either"))["AccessToken"]
    await _update(harness, access, email=wanted)
    await harness.member("either", wanted)
    verified = _verify(harness, access, harness.mail.code(email))
    assert await refusal_type(verified) == "AliasExistsException"


async def test_alias_of_somebody_else_cannot_be_verified(harness: Harness) -> None:
    """A verified alias is one user's."""
    first = await harness.member("alias")
    second, access = await _signed_in(harness, "alias")
    await _update(harness, access, email=f"{first}@example.com")
    verified = _verify(harness, access, harness.mail.code(second))
    assert await refusal_type(verified) == "AliasExistsException"


async def test_code_can_be_asked_for(harness: Harness) -> None:
    """A code goes to an address that the user has, five times an hour."""
    username, access = await _signed_in(harness, "bare")
    for _ in range(5):
        details = await _send_code(harness, access)
    assert details["Destination"] == "u***@e***"
    assert await refusal_type(_send_code(harness, access)) == "LimitExceededException"
    await _verify(harness, access, harness.mail.code(username))
    assert (await harness.attributes(access))["email_verified"] == "true"


async def test_only_addresses_have_codes(harness: Harness) -> None:
    """There is nothing to verify in a name, or in a phone that is not there."""
    _, access = await _signed_in(harness, name="Alice")
    for name in ("name", "phone_number"):
        assert await refusal_type(_send_code(harness, access, name)) == "InvalidParameterException"
        verified = _verify(harness, access, "482913", name)
        expected = "ExpiredCodeException" if name == "phone_number" else "InvalidParameterException"
        assert await refusal_type(verified) == expected


async def test_verifying_ends_after_fifteen_tries(harness: Harness) -> None:
    """Fifteen tries an hour are enough."""
    _, access = await _signed_in(harness)
    for _ in range(15):
        assert await refusal_type(_verify(harness, access, "482913")) == "ExpiredCodeException"
    assert await refusal_type(_verify(harness, access, "482913")) == "LimitExceededException"


async def _delete(harness: Harness, access: str, *names: str) -> None:
    await harness.cognito.delete_user_attributes(AccessToken=access, UserAttributeNames=names)


async def test_deleted_address_takes_its_mark_along(harness: Harness) -> None:
    """Deleting what is there, or is not, leaves neither value nor verification."""
    _, access = await _signed_in(harness, name="Alice")
    await _delete(harness, access, "email", "name", "nickname")
    assert set(await harness.attributes(access)) == {"sub"}


async def test_blank_value_deletes(harness: Harness) -> None:
    """An update with an empty value is a deletion."""
    _, access = await _signed_in(harness, name="Alice")
    assert await _update(harness, access, name="") == []
    assert "name" not in await harness.attributes(access)


@pytest.mark.parametrize("name", ["sub", "email_verified", "nonsense", "custom:badge"])
async def test_deletion_that_does_not_fit_is_refused(harness: Harness, name: str) -> None:
    """What cannot be changed cannot be deleted."""
    _, access = await _signed_in(harness)
    expected = "NotAuthorizedException" if "verified" in name else "InvalidParameterException"
    assert await refusal_type(_delete(harness, access, name)) == expected


async def test_user_name_cannot_be_deleted(harness: Harness) -> None:
    """Where the address is the user name it stays."""
    email = await harness.member("email", f"{await harness.sign_up()}@example.com")
    access = (await harness.tokens(email, "email"))["AccessToken"]
    assert await refusal_type(_delete(harness, access, "email")) == "InvalidParameterException"
