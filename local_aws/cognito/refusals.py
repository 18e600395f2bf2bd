"""Name Cognito's exceptions, each with the words that AWS answers."""

from moto.core.exceptions import JsonRESTError


class Refusal(JsonRESTError):
    """Refuse a call; the class has the exception's name in the API."""

    words = ""

    def __init__(self, words: str | None = None) -> None:
        super().__init__(type(self).__name__, words or self.words)


class AliasExistsException(Refusal):
    """Somebody else signs in with this address."""

    words = "An account with the given email already exists."


class CodeMismatchException(Refusal):
    """The code is not the one that was sent."""

    words = "Invalid verification code provided, please try again."


class EnableSoftwareTokenMFAException(Refusal):
    """The code does not prove the new secret."""

    words = "Code mismatch and fail enable Software Token MFA"


class ExpiredCodeException(Refusal):
    """No code is valid any more, or none was asked for."""

    words = "Invalid code provided, please request a code again."


class FeatureUnavailableInTierException(Refusal):
    """The pool's tier lacks it."""

    words = "The feature is not available in the feature plan of this user pool."


class InternalErrorException(Refusal):
    """moto broke."""

    code = 500


class InvalidParameterException(Refusal):
    """A parameter is missing, malformed or not allowed now."""


class InvalidPasswordException(Refusal):
    """The password breaks the pool's policy."""


class LimitExceededException(Refusal):
    """The user did this too often within the hour."""

    words = "Attempt limit exceeded, please try after some time."


class NotAuthorizedException(Refusal):
    """Whoever calls did not prove that they may."""

    words = "Incorrect username or password."


class PasswordResetRequiredException(Refusal):
    """An administrator has voided the password."""

    words = "Password reset required for the user"


class RefreshTokenReuseException(Refusal):
    """The refresh token was exchanged for another one before."""

    words = "Refresh token has already been used."


class ResourceNotFoundException(Refusal):
    """No such pool or client."""


class SerializationException(Refusal):
    """The body is not the JSON that the operation takes."""


class SoftwareTokenMFANotFoundException(Refusal):
    """The pool or the user has no TOTP."""

    words = "Software Token MFA has not been enabled by the userPool"


class UnauthorizedException(Refusal):
    """The client may not revoke this token."""


class UnsupportedOperationException(Refusal):
    """The operation is switched off, or this local Cognito lacks it."""


def not_implemented(what: str) -> UnsupportedOperationException:
    """Say what Amazon Cognito has and this one lacks."""
    return UnsupportedOperationException(f"The local Cognito does not implement {what}.")


class UnsupportedTokenTypeException(Refusal):
    """Only refresh tokens can be revoked."""

    words = "Unsupported token type"


class UnsupportedUserStateException(Refusal):
    """The user is past what is asked for."""

    words = "Resend not possible. User status is not FORCE_CHANGE_PASSWORD"


class UserNotConfirmedException(Refusal):
    """The user has not confirmed the sign-up."""

    words = "User is not confirmed."


class UserNotFoundException(Refusal):
    """No such user, and the client may know."""

    words = "User does not exist."


class UsernameExistsException(Refusal):
    """The user name is taken."""

    words = "User already exists"


class WebAuthnChallengeNotFoundException(Refusal):
    """No registration has begun, or it began too long ago or with another challenge."""

    words = "The challenge for this registration has expired or was never issued."


class WebAuthnClientMismatchException(Refusal):
    """Another client began the registration."""

    words = "The registration was started by another client."


class WebAuthnConfigurationMissingException(Refusal):
    """The pool has no relying party."""

    words = "The user pool has neither a relying party id nor a domain."


class WebAuthnCredentialNotSupportedException(Refusal):
    """The authenticator makes no credentials that can be taken."""

    words = "The credential is not supported."


class WebAuthnNotEnabledException(Refusal):
    """The pool's sign-in policy has no passkeys."""

    words = "Passkeys are not enabled for this user pool."


class WebAuthnOriginNotAllowedException(Refusal):
    """The page is not one of the relying party."""

    words = "The origin is not allowed for the relying party of this user pool."


class WebAuthnRelyingPartyMismatchException(Refusal):
    """The credential was made for another relying party."""

    words = "The credential belongs to another relying party."
