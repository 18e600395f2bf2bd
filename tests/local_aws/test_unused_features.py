"""Operations of features that a pool does not use are answered as AWS does."""

from typing import Any

import pytest

from tests.local_aws.support import Harness, refusal_type

ABSENT = "eu-central-1_absent"


async def test_pool_without_a_feature_says_so(harness: Harness) -> None:
    """Each answer is the one of a pool that uses nothing of it."""
    cognito: Any = harness.cognito
    pool, client = harness.apps["public"].pool_id, harness.apps["public"].client_id
    by_pool, by_client = {"UserPoolId": pool}, {"UserPoolId": pool, "ClientId": client}

    async def body(name: str, **parameters: str | int) -> dict[str, Any]:
        answer = dict(await getattr(cognito, name)(**parameters))
        del answer["ResponseMetadata"]
        return answer

    header = (await body("get_csv_header", **by_pool))["CSVHeader"]
    assert {"name", "email", "custom:team", "cognito:mfa_enabled", "cognito:username"} <= {*header}
    assert "sub" not in header
    assert await body("get_ui_customization", **by_client) == {"UICustomization": by_client}
    assert await body("describe_risk_configuration", **by_pool) == {"RiskConfiguration": by_pool}
    assert await body("get_log_delivery_configuration", **by_pool) == {
        "LogDeliveryConfiguration": {**by_pool, "LogConfigurations": []}
    }
    assert await body("list_terms", **by_pool, MaxResults=1) == {"Terms": []}
    branding = cognito.describe_managed_login_branding_by_client(**by_client)
    assert await refusal_type(branding) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "name", ["get_csv_header", "get_ui_customization", "describe_risk_configuration"]
)
async def test_unknown_pool_is_refused(harness: Harness, name: str) -> None:
    """A pool that does not exist has no answer."""
    call = getattr(harness.cognito, name)(UserPoolId=ABSENT)
    assert await refusal_type(call) == "ResourceNotFoundException"


async def test_client_of_another_pool_is_refused(harness: Harness) -> None:
    """A client belongs to one pool; ALL means every client."""
    pool, other = harness.apps["public"].pool_id, harness.apps["email"].client_id
    call = harness.cognito.get_ui_customization
    refused = call(UserPoolId=pool, ClientId=other)
    assert await refusal_type(refused) == "ResourceNotFoundException"
    assert await call(UserPoolId=pool, ClientId="ALL")


async def test_sign_ins_are_listed_with_threat_protection_only(harness: Harness) -> None:
    """Without the add-on the list is refused; with it, it is empty."""
    username = await harness.member("public")
    listed = harness.cognito.admin_list_user_auth_events
    refused = listed(UserPoolId=harness.apps["public"].pool_id, Username=username)
    assert await refusal_type(refused) == "UserPoolAddOnNotEnabledException"
    pool = await harness.cognito.create_user_pool(
        PoolName="audited", UserPoolAddOns={"AdvancedSecurityMode": "AUDIT"}
    )
    pool_id = pool["UserPool"]["Id"]
    await harness.cognito.admin_create_user(UserPoolId=pool_id, Username="alice")
    assert (await listed(UserPoolId=pool_id, Username="alice"))["AuthEvents"] == []
