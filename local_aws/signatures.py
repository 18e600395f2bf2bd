"""Refusal of requests that AWS requires to be signed."""

from collections.abc import Mapping

from local_aws.cognito.shapes import is_public

COGNITO = "AWSCognitoIdentityProviderService"
DYNAMODB = "DynamoDB_20120810"
ALGORITHM = "AWS4-HMAC-SHA256"

Refusal = Mapping[str, str]


def refusal(target: str, authorization: str) -> Refusal | None:
    """
    Return the refusal of an operation that is not signed, None if it is or need not be.

    *target* is the header X-Amz-Target. The signature itself is not checked: there are no secret keys.
    """
    service, _, operation = target.partition(".")
    if authorization.startswith(f"{ALGORITHM} "):
        missing = [
            name
            for name in ("Credential", "SignedHeaders", "Signature")
            if f"{name}=" not in authorization
        ]
        return _incomplete(missing) if missing else None
    if service == DYNAMODB:
        prefix = "com.amazon.coral.service#"
        return _missing(prefix, "Request is missing Authentication Token")
    if service == COGNITO and not is_public(operation):
        return _missing("", "Missing Authentication Token")
    return None


def _missing(prefix: str, message: str) -> Refusal:
    return {"__type": f"{prefix}MissingAuthenticationTokenException", "message": message}


def _incomplete(missing: list[str]) -> Refusal:
    needed = " ".join(f"Authorization header requires '{name}' parameter." for name in missing)
    return {"__type": "IncompleteSignatureException", "message": needed}
