"""Programs that set up user pools and app clients were written against AWS, and run unchanged."""

from tests_slow.local_aws.boto3_programs import SMS, Program, refused


def test_settings_of_a_pool(program: Program) -> None:
    """A pool keeps what only its creation sets, and says what it uses."""
    cognito = program.cognito
    pool_id, _ = program.app(
        {
            "UsernameAttributes": ["email"],
            "MfaConfiguration": "OPTIONAL",
            "SmsConfiguration": SMS,
            "Schema": [{"Name": "team", "AttributeDataType": "String"}],
        }
    )

    def described() -> dict[str, object]:
        shown: dict[str, object] = cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"]
        return shown

    def attributes() -> set[str]:
        shown = cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"]["SchemaAttributes"]
        return {attribute["Name"] for attribute in shown}

    assert described()["MfaConfiguration"] == "OPTIONAL"
    assert cognito.get_user_pool_mfa_config(UserPoolId=pool_id)["SmsMfaConfiguration"]
    assert {"sub", "email", "custom:team"} <= attributes()
    cognito.add_custom_attributes(
        UserPoolId=pool_id, CustomAttributes=[{"Name": "age", "AttributeDataType": "Number"}]
    )
    cognito.update_user_pool(
        UserPoolId=pool_id, MfaConfiguration="OFF", DeletionProtection="ACTIVE"
    )
    changed = described()
    assert (changed["UsernameAttributes"], changed["MfaConfiguration"]) == (["email"], "OFF")
    assert "custom:age" in attributes()
    with refused("InvalidParameterException"):
        cognito.delete_user_pool(UserPoolId=pool_id)
    cognito.update_user_pool(UserPoolId=pool_id)
    cognito.create_user_pool_domain(UserPoolId=pool_id, Domain=pool_id.lower().replace("_", "-"))
    with refused("InvalidParameterException"):
        cognito.delete_user_pool(UserPoolId=pool_id)
    domain = str(described()["Domain"])
    other_id, _ = program.app()
    with refused("InvalidParameterException", "Domain already associated with another user pool."):
        cognito.create_user_pool_domain(UserPoolId=other_id, Domain=domain)
    cognito.delete_user_pool_domain(UserPoolId=pool_id, Domain=domain)
    cognito.delete_user_pool(UserPoolId=pool_id)
    with refused("ResourceNotFoundException", f"User pool {pool_id} does not exist."):
        cognito.describe_user_pool(UserPoolId=pool_id)
    pools = cognito.get_paginator("list_user_pools").paginate(PaginationConfig={"PageSize": 1})
    assert other_id in {pool["Id"] for page in pools for pool in page["UserPools"]}


def test_mfa_of_a_new_pool_needs_a_sender(program: Program) -> None:
    """CreateUserPool and UpdateUserPool do not turn on MFA without a factor."""
    with refused("InvalidParameterException"):
        program.app({"MfaConfiguration": "ON"})
    pool_id, _ = program.app()
    with refused("InvalidParameterException"):
        program.cognito.update_user_pool(UserPoolId=pool_id, MfaConfiguration="OPTIONAL")


def test_settings_of_an_app_client(program: Program) -> None:
    """A change of a client resets what it leaves out, and an unknown client is named."""
    cognito = program.cognito
    pool_id, client_id = program.app(
        AccessTokenValidity=30,
        TokenValidityUnits={"AccessToken": "minutes"},
        ReadAttributes=["email"],
    )
    named = {"UserPoolId": pool_id, "ClientId": client_id}
    before = cognito.describe_user_pool_client(**named)["UserPoolClient"]
    program.clock.advance(60)
    cognito.update_user_pool_client(**named, ExplicitAuthFlows=["ALLOW_USER_AUTH"])
    after = cognito.describe_user_pool_client(**named)["UserPoolClient"]

    assert (before["AccessTokenValidity"], before["ReadAttributes"]) == (30, ["email"])
    assert after["CreationDate"] == before["CreationDate"] < after["LastModifiedDate"]
    assert (after["ClientName"], after["ExplicitAuthFlows"]) == ("c", ["ALLOW_USER_AUTH"])
    assert not {"AccessTokenValidity", "ReadAttributes", "TokenValidityUnits"} & after.keys()
    with refused("ResourceNotFoundException", "User pool client unknown does not exist."):
        cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId="unknown")
    with refused("InvalidParameterException"):
        cognito.create_user_pool_client(
            UserPoolId=pool_id, ClientName="c", RefreshTokenValidity=315_360_001
        )
    pages = cognito.get_paginator("list_user_pool_clients").paginate(UserPoolId=pool_id)
    (listed,) = [client for page in pages for client in page["UserPoolClients"]]
    assert listed == {"ClientId": client_id, "UserPoolId": pool_id, "ClientName": "c"}
    cognito.delete_user_pool_client(**named)
