"""The settings of accounts: what callers may do, and how often."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from service.config.fields import Flag, Section, Words, integer, one_of, setting, text

SWITCH = {"0": "false", "no": "false", "off": "false", "1": "true", "yes": "true", "on": "true"}
FIRST_FACTORS = ("PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN")  # Cognito's AuthFactorType
# Of Cognito's ChallengeNameType, and a passkey that is both factors.
SECOND_FACTORS = ("SOFTWARE_TOKEN_MFA", "SMS_MFA", "EMAIL_OTP", "WEB_AUTHN_MFA")
# Of Cognito's standard attributes and custom ones; developer-only attributes are not written by users.
ATTRIBUTE = (
    r"address|birthdate|email|family_name|gender|given_name|locale|middle_name|name|nickname|"
    r"phone_number|picture|preferred_username|profile|website|zoneinfo|updated_at|custom:\S{1,20}"
)
PASSWORD_PARTS = ("lowercase", "uppercase", "digits", "symbols")  # Cognito's default policy


@dataclass(frozen=True, slots=True)
class AuthConfig(Section):
    """Accounts."""

    section: ClassVar[str] = "auth"

    # OpenID Connect Core 1.0, section 5.1, as far as Cognito lets a user write them
    writable_attributes: tuple[str, ...] = setting(
        Words(pattern=ATTRIBUTE),
        "address birthdate email family_name gender given_name locale middle_name name nickname "
        "phone_number picture preferred_username profile website zoneinfo",
        "The Cognito attributes that a caller may set.",
    )
    uniform_signup: bool = setting(
        Flag(),
        "false",
        "Whether signing up with a taken user name gets the response of a new one instead of 409. A "
        "login is then invalid_credentials also if the account is not confirmed, must be reset or has an "
        "expired temporary password.",
    )
    answer_floor_ms: int = setting(
        integer(0, 10_000),
        "500",
        "Milliseconds of which refusals, and responses that send codes, take a multiple, so that their "
        "duration does not reveal whether an account exists. It must be more than Cognito takes to "
        "respond (duration_ms of sign-ins in the log). 0: they are not delayed.",
    )
    trigger_messages: bool = setting(
        Flag(),
        "false",
        "Whether a refusal by a Lambda trigger (rejected_by_policy) has the message of its exception as "
        "triggerMessage. The log has it in any case.",
    )
    client_metadata: tuple[str, ...] = setting(
        Words(pattern=r"[A-Za-z0-9_.:-]{1,50}"),
        "",
        "The keys of `metadata`, which requests pass to the user pool's Lambda triggers: the language of "
        "messages, for example. Anyone can send any value, so triggers must not trust it.",
        example="locale",
    )
    totp_issuer: str = setting(
        text(r"[^:\x00-\x1f\x7f]{1,64}", "a text of at most 64 characters with no colon"),
        "user-profile-service",
        "The name that authenticator apps show beside a code.",
    )
    refresh_cookie: Literal["false", "true", "browsers"] = setting(
        one_of("false", "true", "browsers", **SWITCH),
        "false",
        "Whether refresh tokens are in a cookie, which scripts cannot read, and not in bodies. browsers: "
        "only for pages (a request with Origin or Sec-Fetch-Site); programs, such as mobile apps, have "
        "them in bodies. The cookie is for pages of the same site; those of other origins must be listed "
        "in [cors]. If the app client rotates refresh tokens, set its retry grace period to 60 s.",
    )
    refresh_cookie_max_age_s: int = setting(
        integer(60, 315_360_000),  # ten years, Cognito's longest
        "2592000",
        "Seconds for which browsers keep the cookie: the lifetime of the app client's refresh tokens.",
    )


@dataclass(frozen=True, slots=True)
class AuthConfigConfig(Section):
    """
    What GET /api/auth/config describes to front ends.

    It must match the user pool, which decides by its own settings; the defaults match a new pool and
    that of `setup --user-pool`.
    """

    section: ClassVar[str] = "auth-config"

    sign_up: bool = setting(Flag(), "true", "Whether users can sign up themselves.")
    flows: tuple[str, ...] = setting(
        Words("USER_PASSWORD_AUTH", "USER_AUTH", least=1),
        "USER_PASSWORD_AUTH",
        "The ways to sign in: USER_AUTH offers a choice of first factors.",
    )
    first_factors: tuple[str, ...] = setting(
        Words(*FIRST_FACTORS), "", "The first factors that USER_AUTH offers.", example="PASSWORD"
    )
    mfa: tuple[str, ...] = setting(
        Words(*SECOND_FACTORS),
        "SOFTWARE_TOKEN_MFA",
        "The second factors; WEB_AUTHN_MFA if a passkey can be both factors "
        "(WebAuthnConfiguration.FactorConfiguration).",
    )
    passkeys: bool = setting(Flag(), "false", "Whether users can register passkeys.")
    passkey_relying_party_id: str | None = setting(
        text(r"[a-z0-9.-]{1,127}", "a domain in lower case"),
        "",
        "The relying party id of passkeys: the domain for whose pages they are made.",
        example="example.com",
    )
    passkey_user_verification: str = setting(
        one_of("preferred", "required"),
        "preferred",
        "Whether a passkey must verify the user, by a PIN or a fingerprint. It must if it can be both "
        "factors.",
    )
    sessions: bool = setting(
        Flag(),
        "false",
        "Whether users can list and end their sessions: whether the pool tracks them (setup --sessions).",
    )
    password_min_length: int = setting(
        integer(6, 99), "8", "The minimum length of the pool's password policy."
    )
    password_requires: tuple[str, ...] = setting(
        Words(*PASSWORD_PARTS),
        " ".join(PASSWORD_PARTS),
        "What the pool's password policy requires.",
    )
