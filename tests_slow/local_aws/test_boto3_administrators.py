"""Programs of administrators that were written against AWS run unchanged, with DynamoDB beside."""

import base64

from tests_slow.local_aws.boto3_programs import (
    NEW_PASSWORD,
    PASSWORD,
    Program,
    refused,
)


def test_life_of_a_user(program: Program) -> None:
    """An administrator invites, changes, disables, signs in and deletes a user."""
    cognito = program.cognito
    pool_id, client_id = program.app()
    named = {"UserPoolId": pool_id, "Username": "alice"}
    email = [{"Name": "email", "Value": "a@example.com"}]
    flag = [{"Name": "email_verified", "Value": "true"}]
    user = cognito.admin_create_user(**named, UserAttributes=email)["User"]
    assert (user["Enabled"], user["UserStatus"]) == (True, "FORCE_CHANGE_PASSWORD")
    with refused("UsernameExistsException", "User account already exists"):
        cognito.admin_create_user(**named)
    with refused("InvalidParameterException", "Invalid email address format."):
        cognito.admin_create_user(
            UserPoolId=pool_id,
            Username="bob",
            UserAttributes=[{"Name": "email", "Value": "bob"}],
        )
    asked = program.log_in(client_id, "alice", program.code("alice"))
    cognito.respond_to_auth_challenge(
        ClientId=client_id,
        ChallengeName=asked["ChallengeName"],
        Session=asked["Session"],
        ChallengeResponses={"USERNAME": "alice", "NEW_PASSWORD": PASSWORD},
    )
    cognito.admin_update_user_attributes(**named, UserAttributes=flag)
    shown = cognito.admin_get_user(**named)
    attributes = {each["Name"]: each["Value"] for each in shown["UserAttributes"]}
    assert (shown["UserStatus"], attributes["email_verified"]) == ("CONFIRMED", "true")
    assert not {"MFAOptions", "UserMFASettingList", "PreferredMfaSetting"} & shown.keys()

    cognito.admin_update_user_attributes(
        **named, UserAttributes=[{"Name": "email", "Value": "b@example.com"}]
    )
    (changed,) = cognito.list_users(UserPoolId=pool_id)["Users"]
    assert {"Name": "email_verified", "Value": "false"} in changed["Attributes"]
    with refused("InvalidParameterException", "user.sub: Attribute cannot be updated.\n"):
        cognito.admin_update_user_attributes(
            **named, UserAttributes=[{"Name": "sub", "Value": "x"}]
        )
    cognito.admin_delete_user_attributes(**named, UserAttributeNames=["email", "nickname"])

    cognito.admin_set_user_password(**named, Password=NEW_PASSWORD, Permanent=True)
    begin = {
        "ClientId": client_id,
        "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": "alice", "PASSWORD": NEW_PASSWORD},
    }
    tokens = cognito.admin_initiate_auth(UserPoolId=pool_id, **begin)["AuthenticationResult"]
    cognito.admin_disable_user(**named)
    with refused("NotAuthorizedException", "User is disabled."):
        cognito.admin_initiate_auth(UserPoolId=pool_id, **begin)
    cognito.admin_enable_user(**named)
    cognito.admin_user_global_sign_out(**named)
    with refused("NotAuthorizedException", "Access Token has been revoked"):
        cognito.get_user(AccessToken=tokens["AccessToken"])
    cognito.admin_delete_user(**named)
    with refused("UserNotFoundException", "User does not exist."):
        cognito.admin_get_user(**named)


def test_search_and_pages(program: Program) -> None:
    """Users are found by filters, and listed page by page."""
    cognito = program.cognito
    pool_id, _ = program.app()
    for number in range(5):
        attributes = [{"Name": "email", "Value": f"{number}@example.com"}]
        cognito.admin_create_user(
            UserPoolId=pool_id,
            Username=f"user-{number}",
            UserAttributes=attributes,
            MessageAction="SUPPRESS",
        )
    cognito.admin_set_user_password(
        UserPoolId=pool_id, Username="user-1", Password=PASSWORD, Permanent=True
    )
    cognito.admin_disable_user(UserPoolId=pool_id, Username="user-2")

    def found(text: str) -> list[str]:
        users = cognito.list_users(UserPoolId=pool_id, Filter=text)["Users"]
        return sorted(user["Username"] for user in users)

    pages = cognito.get_paginator("list_users").paginate(
        UserPoolId=pool_id, AttributesToGet=["email"], PaginationConfig={"PageSize": 2}
    )
    sizes, names = [], []
    for page in pages:
        sizes.append(len(page["Users"]))
        names += [user["Username"] for user in page["Users"]]
        assert all(
            {each["Name"] for each in user["Attributes"]} == {"email"} for user in page["Users"]
        )
    assert (sizes, sorted(names)) == ([2, 2, 1], [f"user-{number}" for number in range(5)])
    assert found('email = "3@example.com"') == found('email ^= "3@"') == ["user-3"]
    assert found('cognito:user_status = "CONFIRMED"') == ["user-1"]
    assert found('status = "Disabled"') == ["user-2"]
    assert found('username ^= "user-"') == sorted(names)
    with refused("InvalidParameterException"):
        found("email is this")
    with refused("InvalidParameterException", "Invalid pagination token."):
        cognito.list_users(UserPoolId=pool_id, PaginationToken="bogus")
    with refused("InvalidParameterException"):
        cognito.list_users(UserPoolId=pool_id, Limit=61)


def test_groups(program: Program) -> None:
    """Groups have members, whose tokens name them."""
    cognito = program.cognito
    pool_id, client_id = program.app()
    username = program.user(client_id)
    pool = {"UserPoolId": pool_id}
    for name in ("writers", "readers"):
        cognito.create_group(**pool, GroupName=name, Precedence=len(name))
        cognito.admin_add_user_to_group(**pool, Username=username, GroupName=name)
    with refused("GroupExistsException"):
        cognito.create_group(**pool, GroupName="writers")
    with refused("ResourceNotFoundException", "Group not found."):
        cognito.admin_add_user_to_group(**pool, Username=username, GroupName="nobody")

    def pages(operation: str, key: str, member: str, **more: str) -> list[str]:
        listed = cognito.get_paginator(operation).paginate(
            **pool, **more, PaginationConfig={"PageSize": 1}
        )
        return sorted(each[member] for page in listed for each in page[key])

    both = ["readers", "writers"]
    assert pages("list_groups", "Groups", "GroupName") == both
    assert pages("admin_list_groups_for_user", "Groups", "GroupName", Username=username) == both
    assert pages("list_users_in_group", "Users", "Username", GroupName="readers") == [username]
    cognito.admin_remove_user_from_group(**pool, Username=username, GroupName="readers")
    cognito.delete_group(**pool, GroupName="writers")
    assert pages("admin_list_groups_for_user", "Groups", "GroupName", Username=username) == []


def test_devices(program: Program) -> None:
    """A device is confirmed, listed and forgotten by the user, and seen by the administrator."""
    cognito = program.cognito
    pool_id, client_id = program.app(
        {"DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True}}
    )
    username = program.user(client_id)
    tokens = program.log_in(client_id, username)["AuthenticationResult"]
    access, device = tokens["AccessToken"], tokens["NewDeviceMetadata"]
    number = base64.b64encode(b"\x01" * 16).decode()
    confirmed = cognito.confirm_device(
        AccessToken=access,
        DeviceKey=device["DeviceKey"],
        DeviceSecretVerifierConfig={"PasswordVerifier": number, "Salt": number},
        DeviceName="laptop",
    )
    (listed,) = cognito.list_devices(AccessToken=access, Limit=10)["Devices"]
    user = {"UserPoolId": pool_id, "Username": username}
    shown = cognito.admin_get_device(**user, DeviceKey=device["DeviceKey"])["Device"]
    cognito.forget_device(AccessToken=access, DeviceKey=device["DeviceKey"])

    assert confirmed["UserConfirmationNecessary"] is False
    assert listed["DeviceKey"] == shown["DeviceKey"] == device["DeviceKey"]
    assert cognito.admin_list_devices(**user)["Devices"] == []


def test_dynamodb(program: Program) -> None:
    """Waiters, conditions, queries and transactions work beside Cognito."""
    dynamodb = program.dynamodb
    keys = {"pk": "HASH", "sk": "RANGE"}
    dynamodb.create_table(
        TableName="notes",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName="notes")
    items = [{"pk": {"S": "alice"}, "sk": {"S": f"{number}"}} for number in range(3)]
    dynamodb.batch_write_item(
        RequestItems={"notes": [{"PutRequest": {"Item": item}} for item in items]}
    )
    new = {"TableName": "notes", "ConditionExpression": "attribute_not_exists(pk)"}
    with refused("ConditionalCheckFailedException", "The conditional request failed"):
        dynamodb.put_item(**new, Item=items[0])
    with refused("TransactionCanceledException"):
        dynamodb.transact_write_items(TransactItems=[{"Put": {**new, "Item": items[0]}}])
    updated = dynamodb.update_item(
        TableName="notes",
        Key=items[0],
        UpdateExpression="SET #text = :text",
        ExpressionAttributeNames={"#text": "text"},
        ExpressionAttributeValues={":text": {"S": "hello"}},
        ReturnValues="ALL_NEW",
    )
    pages = dynamodb.get_paginator("query").paginate(
        TableName="notes",
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "alice"}},
        PaginationConfig={"PageSize": 2},
    )
    found = [item["sk"]["S"] for page in pages for item in page["Items"]]
    dynamodb.delete_table(TableName="notes")
    dynamodb.get_waiter("table_not_exists").wait(TableName="notes")

    assert updated["Attributes"]["text"] == {"S": "hello"}
    assert found == ["0", "1", "2"]
    with refused("ResourceNotFoundException"):
        dynamodb.get_item(TableName="notes", Key=items[0])
