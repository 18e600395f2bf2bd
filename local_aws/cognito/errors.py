"""Name Cognito's exceptions, each with the message that AWS answers."""

from moto.core.exceptions import JsonRESTError


class CognitoError(JsonRESTError):
    """Refuse a call; the class has the exception's name in the API."""

    default_message = ""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(type(self).__name__, message or self.default_message)


class AliasExistsException(CognitoError):
    """Somebody else signs in with this address."""

    default_message = "An account with the given email already exists."


class CodeMismatchException(CognitoError):
    """The code is not the one that was sent."""

    default_message = "Invalid verification code provided, please try again."


class EnableSoftwareTokenMFAException(CognitoError):
    """The code does not prove the new secret."""

    default_message = "Code mismatch and fail enable Software Token MFA"


class ExpiredCodeException(CognitoError):
    """No code is valid any more, or none was asked for."""

    default_message = "Invalid code provided, please request a code again."


class FeatureUnavailableInTierException(CognitoError):
    """The pool's tier lacks it."""

    default_message = "The feature is not available in the feature plan of this user pool."


class InternalErrorException(CognitoError):
    """moto broke."""

    code = 500


class InvalidParameterException(CognitoError):
    """A parameter is missing, malformed or not allowed now."""


class InvalidPasswordException(CognitoError):
    """The password breaks the pool's policy."""


class LimitExceededException(CognitoError):
    """The user did this too often within the hour."""

    default_message = "Attempt limit exceeded, please try after some time."


class NotAuthorizedException(CognitoError):
    """Whoever calls did not prove that they may."""

    default_message = "Incorrect username or password."


class PasswordResetRequiredException(CognitoError):
    """An administrator has voided the password."""

    default_message = "Password reset required for the user"


class RefreshTokenReuseException(CognitoError):
    """The refresh token was exchanged for another one before."""

    default_message = "Refresh token has already been used."


class ResourceNotFoundException(CognitoError):
    """No such pool or client."""


class SerializationException(CognitoError):
    """The body is not the JSON that the operation takes."""


class SoftwareTokenMFANotFoundException(CognitoError):
    """The pool or the user has no TOTP."""

    default_message = "Software Token MFA has not been enabled by the userPool"


class UnauthorizedException(CognitoError):
    """The client may not revoke this token."""


class UnsupportedOperationException(CognitoError):
    """The operation is switched off, or this local Cognito lacks it."""


def not_implemented(what: str) -> UnsupportedOperationException:
    """Say what Amazon Cognito has and this one lacks."""
    return UnsupportedOperationException(f"The local Cognito does not implement {what}.")


class UnsupportedTokenTypeException(CognitoError):
    """Only refresh tokens can be revoked."""

    default_message = "Unsupported token type"


class UnsupportedUserStateException(CognitoError):
    """The user is past what is asked for."""

    default_message = "Resend not possible. User status is not FORCE_CHANGE_PASSWORD"


class UserNotConfirmedException(CognitoError):
    """The user has not confirmed the sign-up."""

    default_message = "User is not confirmed."


class UserNotFoundException(CognitoError):
    """No such user, and the client may know."""

    default_message = "User does not exist."


class UsernameExistsException(CognitoError):
    """The user name is taken."""

    default_message = "User already exists"


class WebAuthnChallengeNotFoundException(CognitoError):
    """No registration has begun, or it began too long ago or with another challenge."""

    default_message = "The challenge for this registration has expired or was never issued."


class WebAuthnClientMismatchException(CognitoError):
    """Another client began the registration."""

    default_message = "The registration was started by another client."


class WebAuthnConfigurationMissingException(CognitoError):
    """The pool has no relying party."""

    default_message = "The user pool has neither a relying party id nor a domain."


class WebAuthnCredentialNotSupportedException(CognitoError):
    """The authenticator makes no credentials that can be taken."""

    default_message = "The credential is not supported."


class WebAuthnNotEnabledException(CognitoError):
    """The pool's sign-in policy has no passkeys."""

    default_message = "Passkeys are not enabled for this user pool."


class WebAuthnOriginNotAllowedException(CognitoError):
    """The page is not one of the relying party."""

    default_message = "The origin is not allowed for the relying party of this user pool."


class WebAuthnRelyingPartyMismatchException(CognitoError):
    """The credential was made for another relying party."""

    default_message = "The credential belongs to another relying party."
