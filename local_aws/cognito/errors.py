"""Cognito's exceptions, each with the message that AWS uses."""

from moto.core.exceptions import JsonRESTError


class CognitoError(JsonRESTError):
    """An exception of Cognito's API; the class name is the exception's name."""

    default_message = ""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(type(self).__name__, message or self.default_message)


class AliasExistsException(CognitoError):
    """Another user signs in with this address."""

    default_message = "An account with the given email already exists."


class CodeMismatchException(CognitoError):
    """The code is not the one that was sent."""

    default_message = "Invalid verification code provided, please try again."


class DeviceKeyExistsException(CognitoError):
    """The device was confirmed before."""

    default_message = "Device already exists."


class EnableSoftwareTokenMFAException(CognitoError):
    """The code does not match the new secret."""

    default_message = "Code mismatch and fail enable Software Token MFA"


class ExpiredCodeException(CognitoError):
    """The code has expired, or none was sent."""

    default_message = "Invalid code provided, please request a code again."


class FeatureUnavailableInTierException(CognitoError):
    """The pool's feature plan lacks the feature."""

    default_message = "The feature is not available in the feature plan of this user pool."


class InternalErrorException(CognitoError):
    """A defect in moto."""

    code = 500


class InvalidOAuthFlowException(CognitoError):
    """The OAuth flow is not possible for this client."""


class InvalidParameterException(CognitoError):
    """A parameter is missing, malformed or not allowed now."""


class InvalidPasswordException(CognitoError):
    """The password breaks the pool's policy."""


class LimitExceededException(CognitoError):
    """The user exceeded an hourly limit."""

    default_message = "Attempt limit exceeded, please try after some time."


class NotAuthorizedException(CognitoError):
    """The caller is not authenticated or not allowed."""

    default_message = "Incorrect username or password."


class OperationNotEnabledException(CognitoError):
    """The pool does not track sessions."""

    default_message = "Session tracking is not enabled for this user pool."


class PasswordResetRequiredException(CognitoError):
    """An administrator has reset the password."""

    default_message = "Password reset required for the user"


class RefreshTokenReuseException(CognitoError):
    """The refresh token was rotated before."""

    default_message = "Refresh token has already been used."


class ResourceNotFoundException(CognitoError):
    """The pool or the client does not exist."""


class ScopeDoesNotExistException(CognitoError):
    """No resource server of the pool has the scope."""


class SerializationException(CognitoError):
    """The body is not the JSON that the operation requires."""


class SoftwareTokenMFANotFoundException(CognitoError):
    """The pool or the user has no TOTP."""

    default_message = "Software Token MFA has not been enabled by the userPool"


class UnauthorizedException(CognitoError):
    """The client may not revoke this token."""


class UnsupportedOperationException(CognitoError):
    """The operation is disabled, or not implemented here."""


def not_implemented(what: str) -> UnsupportedOperationException:
    """Return the error for a feature of Amazon Cognito that is missing here."""
    return UnsupportedOperationException(f"The local Cognito does not implement {what}.")


class UnsupportedTokenTypeException(CognitoError):
    """The token is not a refresh token."""

    default_message = "Unsupported token type"


class UnsupportedUserStateException(CognitoError):
    """The user's status does not allow the operation."""

    default_message = "Resend not possible. User status is not FORCE_CHANGE_PASSWORD"


class UserNotConfirmedException(CognitoError):
    """The user has not confirmed the sign-up."""

    default_message = "User is not confirmed."


class UserNotFoundException(CognitoError):
    """The user does not exist, and the client does not hide that."""

    default_message = "User does not exist."


class UserPoolAddOnNotEnabledException(CognitoError):
    """The pool has no threat protection."""

    default_message = "User pool add-ons are not enabled."


class UsernameExistsException(CognitoError):
    """The user name is taken."""

    default_message = "User already exists"


class WebAuthnChallengeNotFoundException(CognitoError):
    """No registration was started, it expired, or it had another challenge."""

    default_message = "The challenge for this registration has expired or was never issued."


class WebAuthnClientMismatchException(CognitoError):
    """Another client started the registration."""

    default_message = "The registration was started by another client."


class WebAuthnConfigurationMissingException(CognitoError):
    """The pool has no relying party."""

    default_message = "The user pool has neither a relying party id nor a domain."


class WebAuthnCredentialNotSupportedException(CognitoError):
    """The credential's type or algorithm is not supported."""

    default_message = "The credential is not supported."


class WebAuthnNotEnabledException(CognitoError):
    """The pool's sign-in policy does not allow passkeys."""

    default_message = "Passkeys are not enabled for this user pool."


class WebAuthnOriginNotAllowedException(CognitoError):
    """The page does not belong to the relying party."""

    default_message = "The origin is not allowed for the relying party of this user pool."


class WebAuthnRelyingPartyMismatchException(CognitoError):
    """The credential was made for another relying party."""

    default_message = "The credential belongs to another relying party."
