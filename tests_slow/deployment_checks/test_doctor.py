"""Each broken set-up is named with its remedy, and nothing is written."""

import json
import re
from collections.abc import Callable

import pytest

from service.config.loader import Settings
from service.deployment_checks.results import FAILED, UNCHECKED, Status, exit_status
from tests.deployment_checks.conftest import (
    REGION,
    Account,
    Examine,
    Results,
)
from tests.least_privilege.guard import Guard
from tests.least_privilege.policy import ACCOUNT, policy_for

RIGHTS = ("GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem")


def _cognito(**settings: str) -> Settings:
    return {"aws.cognito": {key.replace("_", "-"): value for key, value in settings.items()}}


def _table(name: str) -> Settings:
    return {"aws.dynamodb": {"user-profile-table": name}}


def _wrong(results: Results) -> set[str]:
    return {name for name, result in results.items() if result.status is Status.WRONG}


async def test_right_set_up_is_ok(doctor: Examine) -> None:
    """Nothing is wrong or unknown about a right set-up that a person examines."""
    results = await doctor()

    assert {result.status for result in results.values()} == {Status.OK}
    assert exit_status(results.values()) == 0
    assert {result.step for result in results.values()} == {1, 2, 4, 5}


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("no sort key", "has no sort key"),
        ("other names", "has keys of other names or types"),
        ("number", "has a key of another type"),
        ("swapped", "has the keys swapped"),
    ],
)
async def test_table_with_other_keys_is_wrong(
    kind: str, detail: str, doctor: Examine, account: Account
) -> None:
    """A table of another shape is told by what DynamoDB answers to the service's own five calls."""
    results = await doctor(_table(account.table(kind)))

    assert _wrong(results) == {"table keys"}
    assert detail in results["table keys"].detail
    assert "python -m service setup" in results["table keys"].advice


async def test_missing_table_is_wrong(doctor: Examine) -> None:
    """A table that is not there is named with its region, and with the command that creates it."""
    results = await doctor(_table("nowhere"))

    assert _wrong(results) == {"table keys"}
    assert results["table keys"].detail == f"There is no table nowhere in {REGION}."
    assert results["table keys"].advice.endswith(
        f"AWS_REGION={REGION} AWS_DYNAMODB_USER_PROFILE_TABLE=nowhere python -m service setup"
    )


@pytest.mark.parametrize("expires_by", [None, "ttl"])
async def test_table_that_does_not_expire_tombstones_is_wrong(
    expires_by: str | None, doctor: Examine, account: Account
) -> None:
    """TTL must be on, by the attribute of the service."""
    table = account.table(expires_by=expires_by)

    results = await doctor(_table(table))

    assert _wrong(results) == {"table TTL"}
    assert results["table TTL"].advice.endswith(
        f"aws dynamodb update-time-to-live --region {REGION} --table-name {table} "
        "--time-to-live-specification Enabled=true,AttributeName=expiresAt"
    )


@pytest.mark.parametrize("missing", RIGHTS)
async def test_missing_right_is_wrong(
    missing: str,
    doctor: Examine,
    account: Account,
    guard: Callable[[str], tuple[Guard, str]],
) -> None:
    """Each right is looked up; the policy that mends it has account, region and table filled in."""
    table = account.table()
    policy = policy_for(table, region=REGION).replace(f'"dynamodb:{missing}"', '"dynamodb:None"')
    opened, url = guard(policy)

    results = await doctor(_table(table), {"aws.dynamodb": {"endpoint-url": url}})

    assert _wrong(results) == {f"dynamodb:{missing}"}
    advice = results[f"dynamodb:{missing}"].advice
    (document,) = re.findall(r"--policy-document '(.*)'$", advice)
    assert json.loads(document) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [f"dynamodb:{right}" for right in RIGHTS],
                "Resource": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}",
            }
        ],
    }
    assert f"dynamodb:{missing}" in {need.action for need in opened.refused}


async def test_role_of_the_service_is_enough(
    doctor: Examine, account: Account, guard: Callable[[str], tuple[Guard, str]]
) -> None:
    """With the five rights alone, what needs more is unknown, and that is no failure."""
    table = account.table()
    _, url = guard(policy_for(table, region=REGION))

    results = await doctor(_table(table), {"aws.dynamodb": {"endpoint-url": url}})

    unknown = {name for name, result in results.items() if result.status is Status.UNKNOWN}
    assert unknown == {"table TTL", "table deletion protection", "table backups"}
    assert results["table TTL"].detail == "needs the right dynamodb:DescribeTimeToLive"
    assert results["no other rights"].detail == "dynamodb:DeleteItem and dynamodb:Scan are denied"
    assert exit_status(results.values()) == 0


async def test_wrong_pool_is_wrong(doctor: Examine) -> None:
    """A pool that is not there has neither a description nor keys."""
    results = await doctor(_cognito(user_pool_id=f"{REGION}_AAAAAAAAA"))

    assert _wrong(results) == {"user pool", "user pool keys", "app client"}
    assert f"aws cognito-idp list-user-pools --max-results 60 --region {REGION}" in (
        results["user pool"].advice
    )


async def test_app_client_of_another_pool_is_wrong(
    doctor: Examine, account: Account, pool_id: str
) -> None:
    """An app client signs in whatever the pool's id says; only its description tells."""
    other = account.app_client(account.pool())["ClientId"]

    results = await doctor(_cognito(client_id=other))

    assert _wrong(results) == {"app client"}
    assert f"list-user-pool-clients --user-pool-id {pool_id}" in results["app client"].advice


async def test_missing_app_client_is_wrong(doctor: Examine) -> None:
    """An app client that is not there is found by the sign-in, which needs no rights."""
    results = await doctor(_cognito(client_id="a" * 26))

    assert _wrong(results) == {"app client sign-in", "app client"}
    assert "AWS_COGNITO_CLIENT_ID and AWS_REGION" in results["app client sign-in"].advice


def _listing(*client_ids: str) -> Settings:
    return {"identity": {"bearer-client-ids": " ".join(client_ids)}}


async def test_further_app_clients_are_looked_up(
    doctor: Examine, account: Account, pool_id: str, client_id: str
) -> None:
    """Each client of `bearer-client-ids` must be one of the pool."""
    other = account.app_client(pool_id)["ClientId"]
    of_another_pool = account.app_client(account.pool())["ClientId"]

    right = await doctor(_listing(other, client_id))
    wrong = await doctor(_listing(client_id, other, of_another_pool))

    assert right["bearer app clients"].status is Status.OK
    assert _wrong(wrong) == {"bearer app clients"}
    assert of_another_pool in wrong["bearer app clients"].detail
    assert wrong["bearer app clients"].advice.startswith("Correct IDENTITY_BEARER_CLIENT_IDS.")


async def test_list_without_the_client_of_logins_is_reported(
    doctor: Examine, account: Account, pool_id: str, client_id: str
) -> None:
    """Without `client-id` in the list, tokens of a login by this API are refused."""
    other = account.app_client(pool_id)["ClientId"]

    results = await doctor(_listing(other))

    assert results["bearer app clients"].status is Status.UNKNOWN
    assert f"'{client_id} {other}'" in results["bearer app clients"].advice
    assert exit_status(results.values()) == 0


@pytest.mark.parametrize(
    ("has_secret", "given", "advice"),
    [
        (True, None, "The app client has a secret: set AWS_COGNITO_CLIENT_SECRET"),
        (True, "x" * 52, "The secret is wrong: set AWS_COGNITO_CLIENT_SECRET"),
        (False, "x" * 52, "The app client has no secret: remove AWS_COGNITO_CLIENT_SECRET"),
    ],
    ids=["missing", "wrong", "superfluous"],
)
async def test_secret_that_does_not_fit_is_wrong(  # noqa: PLR0913, PLR0917 -- parameters of a row
    has_secret: bool,  # noqa: FBT001 -- of a row
    given: str | None,
    advice: str,
    doctor: Examine,
    account: Account,
    pool_id: str,
) -> None:
    """A secret that is missing, wrong or superfluous are three things to do."""
    client = account.app_client(pool_id, GenerateSecret=has_secret)["ClientId"]
    secret: Settings = {} if given is None else _cognito(client_secret=given)

    results = await doctor(_cognito(client_id=client), secret)

    assert _wrong(results) == {"app client sign-in"}
    assert results["app client sign-in"].advice.startswith(advice)
    assert given is None or given not in str(results)


async def test_right_secret_is_ok(doctor: Examine, account: Account, pool_id: str) -> None:
    """An app client with a secret is fine where the secret is set."""
    client = account.app_client(pool_id, GenerateSecret=True)
    settings = _cognito(client_id=client["ClientId"], client_secret=client["ClientSecret"])

    assert _wrong(await doctor(settings)) == set()


async def test_flow_that_is_not_enabled_is_wrong(
    doctor: Examine, account: Account, pool_id: str
) -> None:
    """Without the password flow nobody can log in."""
    client = account.app_client(pool_id, ExplicitAuthFlows=["ALLOW_REFRESH_TOKEN_AUTH"])["ClientId"]

    results = await doctor(_cognito(client_id=client))

    assert _wrong(results) == {"app client sign-in", "app client"}
    assert "ALLOW_USER_PASSWORD_AUTH" in results["app client sign-in"].advice


async def test_app_client_that_reveals_users_is_wrong(
    doctor: Examine, account: Account, pool_id: str
) -> None:
    """PreventUserExistenceErrors must be on; without any rights the sign-in tells."""
    client = account.app_client(pool_id, PreventUserExistenceErrors="LEGACY")["ClientId"]

    results = await doctor(_cognito(client_id=client))

    assert _wrong(results) == {"app client sign-in", "app client"}
    assert "reveals which users exist" in results["app client sign-in"].detail


async def test_app_client_without_revocation_is_wrong(
    doctor: Examine, account: Account, pool_id: str
) -> None:
    """Without revocation, signing out ends nothing."""
    client = account.app_client(pool_id, EnableTokenRevocation=False)["ClientId"]

    assert _wrong(await doctor(_cognito(client_id=client))) == {"app client"}


COOKIE: Settings = {"auth": {"refresh-cookie": "browsers"}}
NO_REFRESH_FLOW = ["ALLOW_USER_PASSWORD_AUTH"]


@pytest.mark.parametrize(
    ("grace_s", "settings", "is_wrong"),
    [
        (0, COOKIE, True),
        (8, COOKIE, True),  # the request's deadline: a tab may wait as long
        (60, COOKIE, False),
        (0, {}, False),
    ],
)
async def test_rotation_without_a_grace_period_is_wrong_with_the_cookie(  # noqa: PLR0913 -- fixtures and parameters
    doctor: Examine,
    account: Account,
    pool_id: str,
    grace_s: int,
    settings: Settings,
    *,
    is_wrong: bool,
) -> None:
    """Two tabs that share the cookie would log each other out."""
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": grace_s}
    client = account.app_client(
        pool_id, ExplicitAuthFlows=NO_REFRESH_FLOW, RefreshTokenRotation=rotation
    )["ClientId"]

    results = await doctor(_cognito(client_id=client), settings)

    assert _wrong(results) == ({"app client"} if is_wrong else set())
    if is_wrong:
        assert f"grace period of {grace_s} s" in results["app client"].detail


async def test_cookie_without_rotation_is_right(doctor: Examine) -> None:
    """A refresh token that stays valid serves all tabs."""
    assert _wrong(await doctor(COOKIE)) == set()


@pytest.mark.parametrize(
    ("validity", "right_s"),
    [
        ({"RefreshTokenValidity": 1}, 86_400),
        ({"RefreshTokenValidity": 90, "TokenValidityUnits": {"RefreshToken": "minutes"}}, 5_400),
    ],
    ids=["days", "minutes"],
)
async def test_cookie_with_another_lifetime_than_its_token_is_wrong(
    doctor: Examine, account: Account, pool_id: str, validity: dict[str, object], right_s: int
) -> None:
    """The advice is the setting that fits."""
    client = account.app_client(pool_id, **validity)["ClientId"]
    fitting: Settings = {"auth": {**COOKIE["auth"], "refresh-cookie-max-age-s": str(right_s)}}

    results = await doctor(_cognito(client_id=client), COOKIE)

    assert _wrong(results) == {"app client"}
    assert results["app client"].advice == f"Set AUTH_REFRESH_COOKIE_MAX_AGE_S={right_s}."
    assert _wrong(await doctor(_cognito(client_id=client), fitting)) == set()


async def test_pool_that_changes_addresses_unverified_is_wrong(
    doctor: Examine, account: Account
) -> None:
    """A typo in a new address must not end password recovery."""
    pool = account.pool(UserAttributeUpdateSettings={})
    client = account.app_client(pool)["ClientId"]

    results = await doctor(_cognito(user_pool_id=pool, client_id=client))

    assert _wrong(results) == {"verification before update"}
    assert "AttributesRequireVerificationBeforeUpdate" in (
        results["verification before update"].advice
    )


@pytest.mark.parametrize(
    ("replaces_mfa", "on_prompt"),
    [(False, False), (True, False), (False, True), (True, True)],
    ids=["always", "instead of MFA", "on prompt", "instead of MFA, on prompt"],
)
async def test_pool_that_remembers_devices_has_its_limits_named(
    doctor: Examine, account: Account, *, replaces_mfa: bool, on_prompt: bool
) -> None:
    """Sessions work with the device key; sign-in by a device, its MFA and its prompt do not."""
    pool = account.pool(
        DeviceConfiguration={
            "ChallengeRequiredOnNewDevice": replaces_mfa,
            "DeviceOnlyRememberedOnUserPrompt": on_prompt,
        }
    )
    client = account.app_client(pool)["ClientId"]

    results = await doctor(_cognito(user_pool_id=pool, client_id=client))

    assert _wrong(results) == set()
    result = results["device remembering"]
    assert "deviceKey" in result.detail
    assert "DEVICE_SRP_AUTH" in result.detail
    assert ("second factor each time" in result.detail) is replaces_mfa
    assert ("not asked" in result.detail) is on_prompt
    assert "Don't remember" in result.advice


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"sign-up": "false"}, "AUTH_CONFIG_SIGN_UP=true"),
        ({"password-min-length": "12"}, "AUTH_CONFIG_PASSWORD_MIN_LENGTH=8"),
        (
            {"password-requires": "digits"},
            "AUTH_CONFIG_PASSWORD_REQUIRES='lowercase uppercase digits symbols'",
        ),
        ({"first-factors": "PASSWORD WEB_AUTHN"}, "AUTH_CONFIG_FIRST_FACTORS='PASSWORD'"),
        ({"mfa": "SMS_MFA"}, "AUTH_CONFIG_MFA='SOFTWARE_TOKEN_MFA'"),
    ],
)
async def test_auth_config_that_differs_from_the_pool_is_wrong(
    settings: dict[str, str], advice: str, doctor: Examine
) -> None:
    """Front ends draw their forms by [auth-config], which has to describe the pool."""
    results = await doctor({"auth-config": settings})

    assert _wrong(results) == {"[auth-config]"}
    assert advice in results["[auth-config]"].advice


BOTH_FACTORS = {"FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION"}
MFA = "SOFTWARE_TOKEN_MFA WEB_AUTHN_MFA"


@pytest.mark.parametrize(
    ("pool_settings", "mfa", "advice"),
    [
        (BOTH_FACTORS, MFA, None),
        ({"UserVerification": "required"}, "SOFTWARE_TOKEN_MFA", None),
        ({"UserVerification": "required"}, MFA, "AUTH_CONFIG_MFA='SOFTWARE_TOKEN_MFA'"),
        (
            {**BOTH_FACTORS, "RelyingPartyId": "example.org"},
            MFA,
            "AUTH_CONFIG_PASSKEY_RELYING_PARTY_ID=example.org",
        ),
        (
            {"UserVerification": "preferred"},
            "SOFTWARE_TOKEN_MFA",
            "AUTH_CONFIG_PASSKEY_USER_VERIFICATION=preferred",
        ),
    ],
    ids=["both factors", "one factor", "not both factors", "relying party", "user verification"],
)
async def test_passkeys_that_differ_from_auth_config_are_wrong(
    pool_settings: dict[str, str], mfa: str, advice: str | None, account: Account, doctor: Examine
) -> None:
    """Relying party, user verification and second factor must be those of the pool."""
    pool = account.pool()
    account.cognito.set_user_pool_mfa_config(
        UserPoolId=pool,
        WebAuthnConfiguration={"RelyingPartyId": "example.com", **pool_settings},
    )
    client = account.app_client(pool)["ClientId"]
    offered = {
        "passkeys": "true",
        "mfa": mfa,
        "passkey-relying-party-id": "example.com",
        "passkey-user-verification": "required",
    }

    results = await doctor(_cognito(user_pool_id=pool, client_id=client), {"auth-config": offered})

    assert _wrong(results) == (set() if advice is None else {"[auth-config]"})
    assert (advice or "") in results["[auth-config]"].advice


@pytest.mark.parametrize(("tracks", "offers"), [(False, True), (True, False), (True, True)])
async def test_session_tracking_that_differs_from_auth_config_is_wrong(
    doctor: Examine, account: Account, *, tracks: bool, offers: bool
) -> None:
    """[auth-config] sessions must say whether the pool tracks sessions."""
    pool = account.pool()
    client = account.app_client(pool)["ClientId"]
    if tracks:
        account.cognito.set_user_pool_session_configuration(
            UserPoolId=pool, UserSessionTracking="ENABLED", TokenSession={"MaxPerUser": 5}
        )
    offered: Settings = {"auth-config": {"sessions": str(offers).lower()}}

    results = await doctor(_cognito(user_pool_id=pool, client_id=client), offered)

    assert _wrong(results) == (set() if tracks == offers else {"session tracking"})
    result = results["session tracking"]
    if offers and not tracks:
        assert "setup --sessions" in result.advice
    if tracks and not offers:
        assert "AUTH_CONFIG_SESSIONS=true" in result.advice


async def test_missing_credentials_are_wrong(doctor: Examine, sdk: pytest.MonkeyPatch) -> None:
    """Without credentials the rest can't be looked up, but for what needs none."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        sdk.delenv(name)
    sdk.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    sdk.setenv("AWS_CONFIG_FILE", "/dev/null")

    results = await doctor()

    assert _wrong(results) == {"credentials"}
    assert "taskRoleArn" in results["credentials"].advice
    assert results["app client sign-in"].status is Status.OK
    assert exit_status(results.values()) == FAILED


async def test_nothing_that_answers_is_unknown(doctor: Examine, sdk: pytest.MonkeyPatch) -> None:
    """Where nothing answers, nothing is known to be wrong, and the way out is the advice."""
    nowhere = "http://127.0.0.1:9"
    sdk.setenv("AWS_ENDPOINT_URL_STS", nowhere)

    results = await doctor(
        {"aws.cognito": {"endpoint-url": nowhere}, "aws.dynamodb": {"endpoint-url": nowhere}}
    )

    unknown = {name for name, result in results.items() if result.status is Status.UNKNOWN}
    assert _wrong(results) == set()
    assert unknown >= {"table keys", "user pool keys", "app client sign-in", "credentials"}
    assert "NAT gateway" in results["table keys"].advice
    assert exit_status(results.values()) == UNCHECKED


async def test_header_from_other_machines_is_wrong(doctor: Examine) -> None:
    """A deployment that trusts the unsigned header of other machines is wrong."""
    results = await doctor(
        {"identity": {"sources": "bearer header", "header-peers": "127.0.0.0/8 10.0.0.0/8"}}
    )

    assert _wrong(results) == {"identity sources"}
    assert "every client can name any user" in results["identity sources"].detail
    assert "IDENTITY_SOURCES=bearer" in results["identity sources"].advice


async def test_schema_that_cannot_be_used_is_wrong(doctor: Examine) -> None:
    """A schema with which `serve` does not start is named, with the reason."""
    results = await doctor({"profile": {"schema": "nowhere:Schema"}})

    assert _wrong(results) == {"profile schema"}
    assert (
        "nowhere:Schema cannot be imported: ModuleNotFoundError" in results["profile schema"].detail
    )
    assert "PROFILE_SCHEMA" in results["profile schema"].advice


@pytest.mark.parametrize("answers", [True, False])
async def test_load_balancer_keys_are_looked_up(
    answers: bool,  # noqa: FBT001 -- of a row
    doctor: Examine,
    account: Account,
) -> None:
    """With the source alb, the server of the load balancers' keys must be reachable."""
    alb = {
        "sources": "alb bearer",
        "alb-arn": f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/app/a/0123",
        "alb-client-id": "balancer",
        "alb-key-url": f"{account.url if answers else 'http://127.0.0.1:9'}/keys",
    }

    results = await doctor({"identity": alb})

    expected = Status.OK if answers else Status.UNKNOWN
    assert results["load balancer keys"].status is expected
    assert results["load balancer keys"].step == 3


async def test_nothing_is_written(
    doctor: Examine, right: Settings, account: Account, pool_id: str
) -> None:
    """Table and pool are as empty after all checks as before."""
    await doctor()

    assert account.items(right["aws.dynamodb"]["user-profile-table"]) == []
    assert account.users(pool_id) == []
