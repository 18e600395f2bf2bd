"""The table is the one that `setup` creates, and neither table nor pool goes with the stack."""

from service.commands import table_setup
from service.commands.service_clients import DESCRIPTIONS
from service.profile_store import items
from tests.deploy.templates import DATA, SERVICE, alternatives, load, of_type
from tests.support.configs import configured

TEMPLATE = load(DATA)


def test_table_has_the_keys_and_the_expiry_that_setup_makes() -> None:
    """Keys, their types, billing and TTL attribute are those of the provisioning."""
    (table,) = of_type(TEMPLATE, "AWS::DynamoDB::Table").values()

    assert table["KeySchema"] == [*table_setup.KEY_SCHEMA]
    assert table["AttributeDefinitions"] == [*table_setup.ATTRIBUTES]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": items.EXPIRES_AT, "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_stream_is_an_option() -> None:
    """With TableStream=true the table has the stream that `setup --table-stream` turns on."""
    (table,) = of_type(TEMPLATE, "AWS::DynamoDB::Table").values()

    assert TEMPLATE["Parameters"]["TableStream"]["Default"] == "false"
    assert [*alternatives(table["StreamSpecification"])] == [
        {"StreamViewType": table_setup.STREAM_VIEW_TYPE}
    ]


def test_data_outlives_the_stack() -> None:
    """Table and pool stay when the stack is deleted or a change would replace them."""
    for name in ("Table", "UserPool"):
        resource = TEMPLATE["Resources"][name]
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resource["UpdateReplacePolicy"] == "Retain"


def test_load_balancer_asks_for_the_scopes_of_its_client() -> None:
    """The authenticate action asks for what the client may have, own-account calls included."""
    client = of_type(TEMPLATE, "AWS::Cognito::UserPoolClient")["BrowserClient"]
    rules = of_type(load(SERVICE), "AWS::ElasticLoadBalancingV2::ListenerRule").values()
    asked = {
        action["AuthenticateCognitoConfig"]["Scope"]
        for rule in rules
        for action in rule["Actions"]
        if action["Type"] == "authenticate-cognito"
    }

    assert asked == {" ".join(client["AllowedOAuthScopes"])}
    assert "aws.cognito.signin.user.admin" in client["AllowedOAuthScopes"]


def test_only_the_load_balancer_has_a_secret_and_the_code_grant() -> None:
    """The service's client takes passwords and has no secret; the other one is the reverse."""
    clients = of_type(TEMPLATE, "AWS::Cognito::UserPoolClient")
    api, browser = clients["ApiClient"], clients["BrowserClient"]

    assert (api["GenerateSecret"], browser["GenerateSecret"]) == (False, True)
    assert "ALLOW_USER_PASSWORD_AUTH" in api["ExplicitAuthFlows"]
    assert browser["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]
    assert "AllowedOAuthFlows" not in api
    assert browser["AllowedOAuthFlows"] == ["code"]
    assert browser["CallbackURLs"] == [{"Fn::Sub": "https://${DomainName}/oauth2/idpresponse"}]


def test_other_service_has_every_scope_and_no_sign_in() -> None:
    """Resource server and machine client are those that `setup --resource-server` makes."""
    client = of_type(TEMPLATE, "AWS::Cognito::UserPoolClient")["ServiceClient"]
    (server,) = of_type(TEMPLATE, "AWS::Cognito::UserPoolResourceServer").values()
    services = configured().services

    assert server["Identifier"] == services.resource_server
    assert {scope["ScopeName"]: scope["ScopeDescription"] for scope in server["Scopes"]} == {
        scope.value: description for scope, description in DESCRIPTIONS.items()
    }
    assert client["AllowedOAuthScopes"] == [
        services.scope_of_token(scope) for scope in DESCRIPTIONS
    ]
    assert client["AllowedOAuthFlows"] == ["client_credentials"]
    assert client["GenerateSecret"] is True
    assert client["ExplicitAuthFlows"] == ["ALLOW_REFRESH_TOKEN_AUTH"]


def test_rotation_has_a_grace_period() -> None:
    """Tabs may refresh at once; Cognito takes no ALLOW_REFRESH_TOKEN_AUTH beside rotation."""
    api = of_type(TEMPLATE, "AWS::Cognito::UserPoolClient")["ApiClient"]
    rotation = {"Feature": "ENABLED", "RetryGracePeriodSeconds": 60}
    nothing = {"Ref": "AWS::NoValue"}

    assert api["RefreshTokenRotation"] == {"Fn::If": ["Rotates", rotation, nothing]}
    flow = {"Fn::If": ["Rotates", nothing, "ALLOW_REFRESH_TOKEN_AUTH"]}
    assert flow in api["ExplicitAuthFlows"]


def test_ses_sends_where_it_is_given() -> None:
    """With an SES identity the pool sends through it, without one Cognito sends itself."""
    (pool,) = of_type(TEMPLATE, "AWS::Cognito::UserPool").values()
    senders = [sender["EmailSendingAccount"] for sender in alternatives(pool["EmailConfiguration"])]

    assert senders == ["DEVELOPER", "COGNITO_DEFAULT"]


def test_pool_is_what_the_service_offers() -> None:
    """Front ends are told the password policy and the second factors that the pool has."""
    (pool,) = of_type(TEMPLATE, "AWS::Cognito::UserPool").values()
    policy = pool["Policies"]["PasswordPolicy"]
    offer = configured().auth_config
    parts = {
        "lowercase": "RequireLowercase",
        "uppercase": "RequireUppercase",
        "digits": "RequireNumbers",
        "symbols": "RequireSymbols",
    }

    assert policy["MinimumLength"] == offer.password_min_length
    assert {part for part, name in parts.items() if policy[name]} == {*offer.password_requires}
    assert pool["EnabledMfas"] == [*offer.mfa]
    assert pool["Policies"]["SignInPolicy"]["AllowedFirstAuthFactors"] == ["PASSWORD"]
