"""The members of a log-in and of an answer to a challenge."""

from typing import Any

import pytest
from marshmallow import ValidationError

from service.api.schemas.sessions import TAKES, ChallengeAnswerSchema, LogInSchema
from service.domain.sessions import ChallengeAnswer

VALUES: dict[str, object] = {
    "attributes": {"name": "Alice"},
    "choice": "SOFTWARE_TOKEN_MFA",
    "code": "482913",
    "credential": {"id": "x", "type": "public-key"},
    "newPassword": "Another1!",
    "password": "YourPass123!",
}
CHOICES = {"password": "PASSWORD", "credential": "WEB_AUTHN"}
TAKEN = [(name, field) for name in TAKES for field in VALUES]


def _loaded(name: str, answer: dict[str, object]) -> ChallengeAnswer:
    body = {"name": name, "session": "s", "username": "alice", "answer": answer}
    loaded: ChallengeAnswer
    loaded, _ = ChallengeAnswerSchema(writable_attributes=("name",)).load(body)
    return loaded


def _wrong(name: str, answer: dict[str, object]) -> dict[str, Any]:
    with pytest.raises(ValidationError) as refused:
        _loaded(name, answer)
    messages: dict[str, Any] = refused.value.messages_dict
    return messages


def _enough(name: str) -> dict[str, object]:
    """Return a valid answer to the challenge."""
    needed = TAKES[name].one_of[0]
    return {needed: VALUES[needed]}


@pytest.mark.parametrize(("name", "field"), TAKEN, ids=str)
def test_answer_has_only_members_of_its_challenge(name: str, field: str) -> None:
    """Each challenge accepts its own members and refuses any other by name."""
    takes = TAKES[name]
    answer = {**_enough(name), field: VALUES[field]}

    if name == "SELECT_CHALLENGE" and field in takes.optional:
        assert _loaded(name, {**answer, "choice": CHOICES[field]}).name == name
    elif field in _enough(name) or field in takes.optional:
        assert _loaded(name, answer).name == name
    elif field in takes.one_of:  # either, not both
        assert takes.one_of[0] in _wrong(name, answer)["answer"]
        assert _loaded(name, {field: VALUES[field]}).name == name
    else:
        assert set(_wrong(name, answer)["answer"]) == {field}


@pytest.mark.parametrize(
    ("choice", "more", "wrong"),
    [
        ("PASSWORD", "password", None),
        ("WEB_AUTHN", "credential", None),
        ("WEB_AUTHN", "password", "answer"),
        ("EMAIL_OTP", "password", "answer"),
        ("PASSWORD", "credential", "answer"),
        ("SMS_OTP", "credential", "answer"),
    ],
)
def test_choice_has_only_members_of_the_chosen_challenge(
    choice: str, more: str, wrong: str | None
) -> None:
    """A password or credential beside another choice is refused, since Cognito would ignore it."""
    answer = {"choice": choice, more: VALUES[more]}

    if wrong is None:
        assert _loaded("SELECT_CHALLENGE", answer).choice == choice
    else:
        assert _wrong("SELECT_CHALLENGE", answer) == {
            "answer": {more: ["This choice does not take this member."]}
        }


@pytest.mark.parametrize("name", TAKES)
def test_answer_without_what_is_needed_is_refused(name: str) -> None:
    """An empty answer is refused with the missing member."""
    assert set(_wrong(name, {})["answer"]) == {TAKES[name].one_of[0]}


@pytest.mark.parametrize("name", ["", "PASSWORD_VERIFIER", "DEVICE_SRP_AUTH", "password", None])
def test_unknown_challenge_is_refused(name: object) -> None:
    """An unsupported challenge is refused by its name."""
    body = {"name": name, "session": "s", "username": "alice", "answer": {"code": "1"}}

    with pytest.raises(ValidationError) as refused:
        ChallengeAnswerSchema().load(body)

    assert set(refused.value.messages_dict) == {"name"}


def test_credential_is_handed_on_as_json() -> None:
    """A credential is passed to Cognito as JSON text."""
    assert _loaded("WEB_AUTHN", {"credential": VALUES["credential"]}).credential == (
        '{"id":"x","type":"public-key"}'
    )


def test_attribute_that_callers_may_not_set_is_refused_by_name() -> None:
    """Attributes that are not writable are refused with a new password too."""
    answer: dict[str, object] = {
        "newPassword": "Another1!",
        "attributes": {"email_verified": "true"},
    }

    assert _wrong("NEW_PASSWORD_REQUIRED", answer) == {
        "answer": {"attributes": {"email_verified": ["Cannot be set by callers."]}}
    }


def test_answer_shows_no_secret() -> None:
    """Secrets are not part of a repr."""
    answer = ChallengeAnswer(
        name="PASSWORD",
        session="canary",
        username="alice",
        code="canary",
        new_password="canary",  # noqa: S106 -- a marker
        attributes={"canary": "canary"},
        password="canary",  # noqa: S106 -- likewise
        credential="canary",
    )

    assert "canary" not in repr(answer)


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"password": None}, {"password"}),
        ({"preferredChallenge": None}, {"preferredChallenge"}),
        ({"preferredChallenge": "PASSWORD_SRP"}, {"preferredChallenge"}),
        ({"password": "x", "preferredChallenge": "EMAIL_OTP"}, {"preferredChallenge"}),
        ({"challenge": "EMAIL_OTP"}, {"challenge"}),
    ],
    ids=str,
)
def test_login_has_a_password_or_a_preference(more: dict[str, object], wrong: set[str]) -> None:
    """A null password, and a preferred challenge beside a password, are refused."""
    with pytest.raises(ValidationError) as refused:
        LogInSchema().load({"username": "alice", **more})

    assert set(refused.value.messages_dict) == wrong


@pytest.mark.parametrize("more", [{}, {"preferredChallenge": "WEB_AUTHN"}, {"password": "x"}])
def test_login_with_one_of_them_is_taken(more: dict[str, object]) -> None:
    """A log-in has a password, a preferred challenge, or neither."""
    assert LogInSchema().load({"username": "alice", **more})["username"] == "alice"
