"""What is saved: pools with all that is in them, tables with their items, and the outbox."""

from collections.abc import Mapping, MutableMapping
from typing import Any
from weakref import WeakKeyDictionary

from moto.cognitoidp import models
from moto.cognitoidp.models import cognitoidp_backends

from local_aws.cognito import records
from local_aws.cognito.state import Cognito
from local_aws.outbox import Delivery, Outbox
from local_aws.saved_state import tables
from local_aws.saved_state.object_graph import Json, Kind, Writer, data_kind, read

DAY_S = 86_400.0

# Of moto's classes, each attribute but those of MOTOS_OWN.
KINDS: Mapping[str, Kind] = {
    "pool": Kind(
        models.CognitoIdpUserPool,
        (
            *("account_id", "region", "id", "arn", "name", "status", "extended_config"),
            *("creation_date", "last_modified_date", "mfa_config", "sms_mfa_config"),
            *("token_mfa_config", "schema_attributes", "clients", "identity_providers"),
            *("groups", "users", "resource_servers"),
        ),
    ),
    "attribute": Kind(
        models.CognitoIdpUserPoolAttribute,
        (
            *("name", "custom", "data_type", "developer_only", "mutable", "required"),
            *("string_constraints", "number_constraints"),
        ),
    ),
    "client": Kind(
        models.CognitoIdpUserPoolClient,
        ("user_pool_id", "id", "secret", "generate_secret", "extended_config"),
    ),
    "provider": Kind(
        models.CognitoIdpIdentityProvider,
        ("name", "extended_config", "creation_date", "last_modified_date"),
    ),
    "group": Kind(
        models.CognitoIdpGroup,
        (
            *("user_pool_id", "group_name", "description", "role_arn", "precedence"),
            *("last_modified_date", "creation_date", "users"),
        ),
    ),
    "user": Kind(
        models.CognitoIdpUser,
        (
            *("id", "user_pool_id", "username", "password", "status", "enabled", "attributes"),
            *("attribute_lookup", "sms_mfa_enabled", "software_token_mfa_enabled"),
            *("token_verified", "confirmation_code", "preferred_mfa_setting", "groups"),
            *("create_date", "last_modified_date"),
        ),
    ),
    "resource_server": Kind(
        models.CognitoResourceServer, ("user_pool_id", "identifier", "name", "scopes")
    ),
    "domain": Kind(
        models.CognitoIdpUserPoolDomain, ("user_pool_id", "domain", "custom_domain_config")
    ),
    "access_token": data_kind(records.AccessToken),
    "account": data_kind(records.Account),
    "code": data_kind(records.Code),
    "delivery": data_kind(Delivery),
    "device": data_kind(records.Device),
    "factors": data_kind(records.PoolFactors),
    "grant": data_kind(records.Grant),
    "keys": data_kind(records.PoolKeys),
    "passkey": data_kind(records.Passkey),
    "refresh_token": data_kind(records.RefreshToken),
    "registration": data_kind(records.Registration),
    "session": data_kind(records.TrackedSession),
    "session_configuration": data_kind(records.SessionConfiguration),
}
# Tokens and the signing key of moto's own sign-in, which the strict Cognito does not use.
MOTOS_OWN = {"access_tokens", "id_tokens", "refresh_tokens", "json_web_key"}

BY_OWNER = ("accounts", "factors", "session_configurations", "keys")  # dictionaries of Cognito's
BY_TEXT = ("access_tokens", "refresh_tokens")


def collect(cognito: Cognito, outbox: Outbox) -> Json:
    """Return the state of this process as JSON, without tokens that expired a day ago."""
    backends = [backend for regions in cognitoidp_backends.values() for backend in regions.values()]
    long_ago = cognito.now() - DAY_S
    root = {
        "pools": [pool for backend in backends for pool in backend.user_pools.values()],
        "domains": [
            [backend.account_id, backend.region_name, domain]
            for backend in backends
            for domain in backend.user_pool_domains.values()
        ],
        **{name: _existing(getattr(cognito, name), backends) for name in BY_OWNER},
        "access_tokens": {
            text: token
            for text, token in cognito.access_tokens.items()
            if token.expires_at > long_ago
        },
        "refresh_tokens": {
            text: token
            for text, token in cognito.refresh_tokens.items()
            if token.grant.expires_at > long_ago
        },
        "outbox": [*outbox.deliveries],
        "tables": tables.collect(),
    }
    return Writer(KINDS).graph(root)


def _existing(
    by_owner: Mapping[Any, Any], backends: list[models.CognitoIdpBackend]
) -> list[list[object]]:
    """Return the pairs whose owner, a user or a pool, was not deleted."""
    pools = {pool for backend in backends for pool in backend.user_pools.values()}
    owners = pools | {user for pool in pools for user in pool.users.values()}
    return [[owner, value] for owner, value in by_owner.items() if owner in owners]


def install(content: Json, cognito: Cognito, outbox: Outbox) -> None:
    """Add saved state to this process; raises as `read` does, before anything is added."""
    root = read(KINDS, content)
    added: list[tuple[MutableMapping[str, Any], str, object]] = [*tables.added(root["tables"])]
    for pool in root["pools"]:
        fresh = models.CognitoIdpUserPool(pool.account_id, pool.region, pool.name, {})
        for name in MOTOS_OWN:
            setattr(pool, name, getattr(fresh, name))
        backend = cognitoidp_backends[pool.account_id][pool.region]
        added.append((backend.user_pools, pool.id, pool))
    for account_id, region, domain in root["domains"]:
        backend = cognitoidp_backends[account_id][region]
        added.append((backend.user_pool_domains, domain.domain, domain))
    by_owner = {name: WeakKeyDictionary(dict(root[name])) for name in BY_OWNER}
    by_text = {name: dict(root[name]) for name in BY_TEXT}
    deliveries = [*root["outbox"]]
    for holder, key, value in added:
        holder[key] = value
    for name, found in {**by_owner, **by_text}.items():
        getattr(cognito, name).update(found)
    outbox.deliveries.extend(deliveries)
