"""Lookup of pools, app clients and users, and the check of client secrets."""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool
from moto.cognitoidp.models import CognitoIdpUserPoolClient as Client
from moto.cognitoidp.models import cognitoidp_backends

from local_aws.cognito.errors import (
    CognitoError,
    NotAuthorizedException,
    ResourceNotFoundException,
    UserNotFoundException,
)
from local_aws.cognito.settings import App, distinguishes_case, setting, username_attributes

EXTERNAL_PROVIDER = "EXTERNAL_PROVIDER"  # the status of a user of another identity provider


def pools() -> Iterator[Pool]:
    """Yield the pools of all accounts and regions: public calls name neither."""
    for regions in cognitoidp_backends.values():
        for backend in regions.values():
            yield from backend.user_pools.values()


def find_app(client_id: str) -> App:
    """Return a client and its pool; raises ResourceNotFoundException."""
    for pool in pools():
        if client_id in pool.clients:
            return App(pool, pool.clients[client_id])
    raise ResourceNotFoundException(f"User pool client {client_id} does not exist.")


def find_pool(pool_id: str) -> Pool:
    """Return a pool; raises ResourceNotFoundException."""
    for pool in pools():
        if pool.id == pool_id:
            return pool
    raise ResourceNotFoundException(f"User pool {pool_id} does not exist.")


def remove_pool(pool_id: str) -> None:
    """Remove a pool with its domain, also one that DeleteUserPool refuses; nothing if it is unknown."""
    for backend in (each for regions in cognitoidp_backends.values() for each in regions.values()):
        pool = backend.user_pools.pop(pool_id, None)
        if pool is not None and pool.domain is not None:
            del backend.user_pool_domains[pool.domain.domain]


def own_app(parameters: Mapping[str, Any]) -> App:
    """Return the client of a call, which is of the call's pool if it names one; raises as `find_app`."""
    app = find_app(parameters["ClientId"])
    if parameters.get("UserPoolId", app.pool.id) != app.pool.id:
        raise ResourceNotFoundException(f"User pool client {app.client.id} does not exist.")
    return app


def app_of(parameters: dict[str, str], username: str) -> App:
    """Return the client of a call about *username*; raises NotAuthorizedException (wrong SecretHash)."""
    app = find_app(parameters["ClientId"])
    check_secret_hash(app.client, username, parameters.get("SecretHash"))
    return app


def find_user(pool: Pool, name: str) -> User | None:
    """Return the user with this user name, or with an attribute accepted in its place; or None."""
    exact = pool.users.get(name)
    if exact is not None:
        return exact
    for user in pool.users.values():
        if any(same_name(pool, name, other) for other in _names(pool, user)):
            return user
    return None


def same_name(pool: Pool, one: str, other: str) -> bool:
    """Return whether two spellings are the same user name."""
    return one == other or (not distinguishes_case(pool) and one.casefold() == other.casefold())


def _names(pool: Pool, user: User) -> Iterator[str]:
    yield user.username
    if user.status == EXTERNAL_PROVIDER:  # who signs in at the provider only
        return
    attributes = user.attribute_lookup
    for name in username_attributes(pool):
        if name in attributes:
            yield attributes[name]
    for name in setting(pool, "AliasAttributes", []):
        # An address is an alias only if it is verified; a preferred user name always is.
        verified = attributes.get(f"{name}_verified", str(name == "preferred_username").lower())
        if name in attributes and verified == "true":
            yield attributes[name]


def require_user(app: App, name: str, hidden: CognitoError) -> User:
    """Return the user; raises *hidden* if the client hides missing users, else UserNotFoundException."""
    user = find_user(app.pool, name)
    if user is None:
        raise hidden if app.hides_users else UserNotFoundException
    return user


def check_secret_hash(client: Client, username: str, given: str | None) -> None:
    """Raise NotAuthorizedException unless the secret hash fits the client."""
    if not client.generate_secret:
        if given is not None:
            raise NotAuthorizedException(f"Unable to verify secret hash for client {client.id}")
        return
    if given is None:
        raise NotAuthorizedException(
            f"Client {client.id} is configured for secret but secret was not received"
        )
    digest = hmac.digest(client.secret.encode(), f"{username}{client.id}".encode(), hashlib.sha256)
    if not hmac.compare_digest(base64.b64encode(digest), given.encode()):
        raise NotAuthorizedException(f"SecretHash does not match for the client: {client.id}")
