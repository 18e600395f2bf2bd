"""Sign-up follows the rules of the pool."""

import uuid
from typing import Any

import pytest

from tests.local_aws.support import PASSWORD, Harness, refusal, refusal_type


def _unique() -> str:
    return f"user-{uuid.uuid4().hex}"


async def _sign_up(harness: Harness, app: str, username: str, **more: Any) -> Any:  # noqa: ANN401 -- botocore's
    given: dict[str, Any] = {"Password": PASSWORD} | more
    client_id = harness.apps[app].client_id
    return await harness.cognito.sign_up(ClientId=client_id, Username=username, **given)


def _with(**attributes: str) -> dict[str, Any]:
    return {"UserAttributes": [{"Name": k, "Value": v} for k, v in attributes.items()]}


async def test_code_is_sent_to_a_masked_address(harness: Harness) -> None:
    """The answer tells where the code went without telling the address."""
    username = _unique()
    answer = await _sign_up(harness, "public", username, **_with(email="alice@example.com"))
    assert answer["CodeDeliveryDetails"] == {
        "Destination": "a***@e***",
        "DeliveryMedium": "EMAIL",
        "AttributeName": "email",
    }
    assert not answer["UserConfirmed"]


async def test_code_is_a_real_one(harness: Harness) -> None:
    """The code has six digits and carries the name as it was typed."""
    username = f"Typed-{_unique()}"
    await harness.sign_up(username=username, email="typed@example.com")
    mail = harness.mail.last(username)
    assert (mail.purpose, mail.attribute, mail.destination) == (
        "confirmation",
        "email",
        "typed@example.com",
    )
    assert len(mail.code) == 6
    assert mail.code.isdecimal()


async def test_code_of_a_pool_that_sends_none_is_announced(harness: Harness) -> None:
    """A pool without automatic verification gives no delivery details; the console has the code."""
    username = _unique()
    answer = await _sign_up(harness, "bare", username, **_with(email="alice@example.com"))
    assert "CodeDeliveryDetails" not in answer
    await harness.confirm(username, "bare")
    access = (await harness.tokens(username, "bare"))["AccessToken"]
    assert "email_verified" not in await harness.attributes(access)


async def test_code_goes_to_the_phone_first(harness: Harness) -> None:
    """A user with both gets a text message."""
    username = f"+49{uuid.uuid4().int % 10**11:011}"
    answer = await _sign_up(harness, "either", username, **_with(email=f"{_unique()}@example.com"))
    assert answer["CodeDeliveryDetails"] == {
        "Destination": f"+*******{username[-4:]}",
        "DeliveryMedium": "SMS",
        "AttributeName": "phone_number",
    }
    assert harness.mail.last(username).destination == username


async def test_same_name_in_other_case_is_taken(harness: Harness) -> None:
    """User names differ in more than case."""
    username = await harness.sign_up()
    assert await refusal(_sign_up(harness, "public", username.upper())) == (
        "UsernameExistsException",
        "User already exists",
    )


async def test_same_email_in_other_case_is_taken(harness: Harness) -> None:
    """An address is one user name however it is spelt."""
    email = f"{_unique()}@example.com"
    await harness.sign_up("email", email)
    assert await refusal(_sign_up(harness, "email", email.upper())) == (
        "UsernameExistsException",
        "An account with the given email already exists.",
    )


async def test_case_matters_where_the_pool_says_so(harness: Harness) -> None:
    """In a case sensitive pool two spellings are two users."""
    username = _unique()
    await harness.sign_up("bare", username)
    await harness.sign_up("bare", username.upper())
    assert harness.mail.last(username).code
    assert harness.mail.last(username.upper()).code


@pytest.mark.parametrize(
    ("app", "username", "message"),
    [
        ("email", "no-address", "Username should be an email."),
        ("either", "no-address", "Username should be either an email or a phone number."),
        (
            "alias",
            "a@example.com",
            "Username cannot be of email format, since user pool is configured for email alias.",
        ),
    ],
    ids=["email", "either", "alias"],
)
async def test_name_of_the_wrong_kind_is_refused(
    harness: Harness, app: str, username: str, message: str
) -> None:
    """The pool says what a user name looks like."""
    expected = ("InvalidParameterException", message)
    assert await refusal(_sign_up(harness, app, username)) == expected


@pytest.mark.parametrize(
    "username",
    ["two words", "tab\there", "thin\u2009space", "x" * 129, "line\nbreak"],
    ids=["space", "tab", "unicode", "length", "newline"],
)
async def test_malformed_name_is_refused(harness: Harness, username: str) -> None:
    """A user name has 1 to 128 visible characters."""
    assert await refusal_type(_sign_up(harness, "public", username)) == "InvalidParameterException"


@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("Sh0rt!", "Password not long enough"),
        ("PASSW0RD!", "Password must have lowercase characters"),
        ("passw0rd!", "Password must have uppercase characters"),
        ("ÄÖÜpassw0rd!", "Password must have uppercase characters"),
        ("Password!", "Password must have numeric characters"),
        ("Passw0rd1", "Password must have symbol characters"),
    ],
    ids=["length", "lower", "upper", "ascii", "digit", "symbol"],
)
async def test_weak_password_is_refused(harness: Harness, password: str, complaint: str) -> None:
    """The refusal names the rule that was broken."""
    assert await refusal(_sign_up(harness, "public", _unique(), Password=password)) == (
        "InvalidPasswordException",
        f"Password did not conform with policy: {complaint}",
    )


async def test_policy_of_the_pool_counts(harness: Harness) -> None:
    """A pool that asks only for a length gets only a length."""
    await _sign_up(harness, "bare", _unique(), Password="simple")  # noqa: S106 -- what is tested
    short = _sign_up(harness, "bare", _unique(), Password="short")  # noqa: S106 -- what is tested
    assert await refusal_type(short) == "InvalidPasswordException"


async def test_long_password_is_accepted(harness: Harness) -> None:
    """A password may have 256 characters, and no more."""
    await _sign_up(harness, "public", _unique(), Password="Aa1!" * 64)
    longer = _sign_up(harness, "public", _unique(), Password="Aa1!" * 64 + "x")
    assert await refusal_type(longer) == "InvalidParameterException"


@pytest.mark.parametrize("password", ["Pass w0rd!", "Pass\tw0rd!", "\xa0Passw0rd!\u3000"])
async def test_white_space_inside_a_password_is_accepted(harness: Harness, password: str) -> None:
    """A password may have white space inside, and Unicode's own anywhere."""
    await _sign_up(harness, "public", _unique(), Password=password)


@pytest.mark.parametrize("password", [" Passw0rd!", "Passw0rd! ", "Passw0rd!\n", "Pass\nw0rd!"])
async def test_white_space_around_a_password_is_refused(harness: Harness, password: str) -> None:
    """A password that begins or ends with white space, or has a line break, is refused."""
    type_, message = await refusal(_sign_up(harness, "public", _unique(), Password=password))
    assert (type_, message) == (
        "InvalidParameterException",
        (
            "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must"
            r" satisfy regular expression pattern: ^[\S]+.*[\S]+$"
        ),
    )


@pytest.mark.parametrize(
    ("app", "attribute", "value"),
    [
        ("public", "email", "a@example.com"),
        ("choice", "name", "Alice"),
        ("choice", "phone_number", "+49301234567"),
    ],
    ids=["no codes", "no address", "not verified automatically"],
)
async def test_lack_of_a_password_is_refused(
    harness: Harness, app: str, attribute: str, value: str
) -> None:
    """A password may be left out with an address that is verified and whose codes sign in."""
    client_id = harness.apps[app].client_id
    call = harness.cognito.sign_up(
        ClientId=client_id, Username=_unique(), **_with(**{attribute: value})
    )
    assert await refusal_type(call) == "InvalidParameterException"


@pytest.mark.parametrize(
    ("attribute", "value", "error"),
    [
        ("nonsense", "x", "InvalidParameterException"),
        ("custom:nonsense", "x", "InvalidParameterException"),
        ("email", "no-address", "InvalidParameterException"),
        ("phone_number", "0123", "InvalidParameterException"),
        ("birthdate", "short", "InvalidParameterException"),
        ("name", "x" * 2049, "InvalidParameterException"),
        ("custom:age", "0", "InvalidParameterException"),
        ("custom:age", "151", "InvalidParameterException"),
        ("custom:age", "old", "InvalidParameterException"),
        ("custom:human", "perhaps", "InvalidParameterException"),
        ("sub", "mine", "NotAuthorizedException"),
        ("email_verified", "true", "NotAuthorizedException"),
        ("phone_number_verified", "true", "NotAuthorizedException"),
    ],
)
async def test_attribute_that_does_not_fit_is_refused(
    harness: Harness, attribute: str, value: str, error: str
) -> None:
    """Attributes are those of the schema, and some are Cognito's alone."""
    call = _sign_up(harness, "public", _unique(), **_with(**{attribute: value}))
    assert await refusal_type(call) == error


async def test_attributes_of_the_schema_are_kept(harness: Harness) -> None:
    """What was given at sign-up is what the user has."""
    given = {"custom:team": "red", "custom:age": "42", "custom:human": "true", "name": "Alice"}
    username = await harness.member(**given, birthdate="2000-01-31")
    access = (await harness.tokens(username))["AccessToken"]
    assert (await harness.attributes(access)).items() >= given.items()


async def test_attribute_that_the_client_may_not_write_is_refused(harness: Harness) -> None:
    """A client writes only what its WriteAttributes name."""
    call = _sign_up(harness, "narrow", _unique(), **_with(nickname="al"))
    assert await refusal(call) == (
        "NotAuthorizedException",
        "A client attempted to write unauthorized attribute",
    )


async def test_sign_up_to_a_closed_pool_is_refused(harness: Harness) -> None:
    """A pool may leave it to administrators to create users."""
    assert await refusal(_sign_up(harness, "closed", _unique())) == (
        "NotAuthorizedException",
        "SignUp is not permitted for this user pool",
    )


async def test_unknown_client_is_refused(harness: Harness) -> None:
    """A client that does not exist signs nobody up."""
    call = harness.cognito.sign_up(ClientId="unknown", Username="x", Password=PASSWORD)
    assert await refusal(call) == (
        "ResourceNotFoundException",
        "User pool client unknown does not exist.",
    )
