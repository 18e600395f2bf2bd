"""What AWS, the deployment and whatever is in between may answer beside what is expected."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.config.loader import Settings
from service.config.settings import Config
from service.deployment_checks import app_client, session_tracking, user_pool
from service.deployment_checks.doctor import aws_clients
from service.deployment_checks.key_servers import check_jwks_once
from service.deployment_checks.permissions import CannotCheck
from service.deployment_checks.results import CheckResult, Status
from service.deployment_checks.smoke.deployment import SignedIn, open_deployment
from service.deployment_checks.smoke.journey import (
    Credentials,
    check_login,
    check_profile,
    check_token,
)
from service.deployment_checks.smoke.refusals import check_refusals
from service.deployment_checks.smoke.temporary_user import TemporaryUser
from tests.deployment_checks.conftest import Account, Examine
from tests.support.configs import configured
from tests.support.scripted_aws import HANG_UP, answer, refusal, scripted_server

USER = Credentials("smoke", "YourPass123!")
SIGNED_IN = SignedIn("user", "not.a-jwt.x", "id")
WRONG_SECRET = refusal(
    "NotAuthorizedException", message="Unable to verify secret hash for client x"
)
NOT_FOUND = refusal("UserNotFoundException", message="User does not exist.")

pytestmark = pytest.mark.usefixtures("sdk")


def _cognito_at(url: str, **settings: str) -> Config:
    return configured({"aws.cognito": {"endpoint-url": url, **settings}})


@pytest.mark.parametrize(
    ("answers", "secret", "status", "advice"),
    [
        ([answer({"ChallengeName": "CUSTOM_CHALLENGE"})], None, Status.OK, ""),
        ([refusal("UserLambdaValidationException", message="no")], None, Status.UNKNOWN, ""),
        ([WRONG_SECRET, answer({})], "s", Status.WRONG, "The app client has no secret"),
        (
            [WRONG_SECRET, HANG_UP, HANG_UP],
            "s",
            Status.WRONG,
            "The secret is wrong, or superfluous",
        ),
    ],
    ids=["challenge", "trigger", "superfluous secret", "cut off"],
)
async def test_sign_in_may_be_answered_otherwise(
    answers: list[bytes], secret: str | None, status: Status, advice: str
) -> None:
    """Triggers answer in ways of their own, and an answer may be missing."""
    async with scripted_server(*answers) as server:
        config = _cognito_at(server.url, **({} if secret is None else {"client-secret": secret}))
        async with aws_clients(config) as clients:
            result = await app_client.check_sign_in(clients.cognito, config.cognito)

    assert result.status is status
    assert result.advice.startswith(advice)


@pytest.mark.parametrize(
    ("code", "offers", "statuses"),
    [
        ("OperationNotEnabledException", "false", [Status.OK]),
        ("FeatureUnavailableInTierException", "true", [Status.WRONG]),
        ("ResourceNotFoundException", "true", []),
    ],
)
async def test_pool_that_cannot_track_sessions_has_them_off(
    code: str, offers: str, statuses: list[Status]
) -> None:
    """The plan of the pool is as good as the setting; a pool that is missing is another check's."""
    async with scripted_server(refusal(code)) as server:
        config = configured(
            {"aws.cognito": {"endpoint-url": server.url}, "auth-config": {"sessions": offers}}
        )
        async with aws_clients(config) as clients:
            results = await session_tracking.describe_sessions(clients.cognito, config)

    assert [result.status for result in results] == statuses


@pytest.mark.parametrize("code", ["AccessDeniedException", "InternalErrorException"])
async def test_session_tracking_that_cannot_be_read_is_not_known(code: str) -> None:
    """Without the right, or an answer, nothing is said about session tracking."""
    async with scripted_server(refusal(code)) as server:
        config = _cognito_at(server.url)
        async with aws_clients(config) as clients:
            with pytest.raises(CannotCheck) as cannot:
                await session_tracking.describe_sessions(clients.cognito, config)

    assert cannot.value.result.status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("InvalidClientTokenId", "AWS_ACCESS_KEY_ID"),
        ("SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY"),
        ("ExpiredToken", "get new ones"),
        ("Strange", "Use valid credentials."),
    ],
)
async def test_credentials_that_aws_refuses_are_wrong(
    code: str, advice: str, doctor: Examine, sdk: pytest.MonkeyPatch
) -> None:
    """AWS STS says what is wrong with credentials, whatever rights they have."""

    async def refuse(_: web.Request) -> web.Response:
        text = f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
        return web.Response(status=403, text=text, content_type="text/xml")

    app = web.Application()
    app.router.add_post("/", refuse)
    async with TestServer(app) as server:
        sdk.setenv("AWS_ENDPOINT_URL_STS", str(server.make_url("/")))
        result = (await doctor())["credentials"]

    assert result.status is Status.WRONG
    assert result.detail == f"{code}: no"
    assert advice in result.advice


async def test_role_is_named_in_the_commands(doctor: Examine, sdk: pytest.MonkeyPatch) -> None:
    """The credentials of a role are told from those of a user; the role's policy is what to change."""

    async def identify(_: web.Request) -> web.Response:
        arn = "arn:aws:sts::210987654321:assumed-role/task-role/session"
        text = (
            "<GetCallerIdentityResponse><GetCallerIdentityResult>"
            f"<Arn>{arn}</Arn><UserId>u</UserId><Account>210987654321</Account>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
        return web.Response(text=text, content_type="text/xml")

    app = web.Application()
    app.router.add_post("/", identify)
    async with TestServer(app) as server:
        sdk.setenv("AWS_ENDPOINT_URL_STS", str(server.make_url("/")))
        results = await doctor()

    assert "--role-name task-role " in results["no other rights"].advice
    assert ":210987654321:table/" in results["no other rights"].advice


async def test_pool_without_keys_is_wrong() -> None:
    """Cognito answers 404 for the keys of a pool that it does not have."""
    app = web.Application()
    async with TestServer(app) as server:
        config = _cognito_at(str(server.make_url("/")))
        async with aws_clients(config) as clients:
            result = await check_jwks_once(config, clients.keys)

    assert result.status is Status.WRONG
    assert "AWS_COGNITO_USER_POOL_ID or AWS_REGION" in result.advice


async def test_protected_table_needs_no_advice(
    doctor: Examine, right: Settings, account: Account
) -> None:
    """Deletion protection and point-in-time recovery are recommended where they are off."""
    name = right["aws.dynamodb"]["user-profile-table"]
    before = await doctor()
    account.dynamodb.update_table(TableName=name, DeletionProtectionEnabled=True)
    account.dynamodb.update_continuous_backups(
        TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    after = await doctor()

    for check in ("table deletion protection", "table backups"):
        assert before[check].advice.startswith("Switch it on:\naws dynamodb update-")
        assert (after[check].status, after[check].advice) == (Status.OK, "")


@pytest.mark.parametrize(
    ("factors", "offered"),
    [
        ({"MfaConfiguration": "OFF"}, ""),
        (
            {
                "MfaConfiguration": "ON",
                "SmsMfaConfiguration": {"SmsAuthenticationMessage": "{####}"},
                "EmailMfaConfiguration": {"Message": "{####}"},
            },
            "SMS_MFA EMAIL_OTP",
        ),
    ],
)
async def test_second_factors_are_those_of_the_pool(factors: dict[str, Any], offered: str) -> None:
    """[auth-config] mfa is compared with the factors that the pool has switched on."""
    described = answer({"UserPool": {"EmailConfiguration": {"EmailSendingAccount": "DEVELOPER"}}})
    async with scripted_server(described, answer(factors)) as server:
        config = configured(
            {"aws.cognito": {"endpoint-url": server.url}, "auth-config": {"mfa": offered}}
        )
        async with aws_clients(config) as clients:
            results = await user_pool.describe_pool(clients.cognito, config)

    assert {result.status for result in results} == {Status.OK}
    assert ("e-mail sender", "Amazon SES") in {(result.name, result.detail) for result in results}


def _deployment(routes: dict[tuple[str, str], tuple[int, Any]]) -> TestServer:
    """Return a deployment that answers as *routes* say."""
    app = web.Application()
    for (method, path), (status, body) in routes.items():

        async def respond(
            _: web.Request,
            status: int = status,
            body: Any = body,  # noqa: ANN401 -- any JSON
        ) -> web.Response:
            return web.json_response(body, status=status)

        app.router.add_route(method, path, respond)
    return TestServer(app)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"userId": "u"}, Status.WRONG),
        (200, ["no object"], Status.WRONG),
        (404, {"code": "route_not_found"}, Status.WRONG),
        (500, {"code": "misconfigured"}, Status.WRONG),
        (429, {"code": "throttled"}, Status.UNKNOWN),
        (503, {"code": "upstream_unavailable"}, Status.UNKNOWN),
    ],
)
async def test_login_that_is_answered_otherwise(
    status: int, body: object, expected: Status
) -> None:
    """Whatever is no sign-in is named by status and code; an overload is not wrong."""
    async with (
        _deployment({("POST", "/api/auth/login"): (status, body)}) as server,
        open_deployment(server.make_url("/")) as deployment,
    ):
        result, signed_in = await check_login(deployment, USER)

    assert (result.status, signed_in) == (expected, None)
    assert result.detail.startswith(str(status))


async def _profile(
    get: tuple[int, Any], post: tuple[int, Any] = (201, {}), delete: tuple[int, Any] = (204, {})
) -> list[CheckResult]:
    path = "/v1/user/profile"
    calls = iter([(404, {"code": "profile_not_found"}), get, (401, {})])

    async def read(_: web.Request) -> web.Response:
        status, body = next(calls)
        return web.json_response(body, status=status)

    app = web.Application()
    app.router.add_get(path, read)
    for method, (status, body) in {"POST": post, "DELETE": delete}.items():

        async def respond(
            _: web.Request,
            status: int = status,
            body: Any = body,  # noqa: ANN401 -- any JSON
        ) -> web.Response:
            return web.json_response(body, status=status)

        app.router.add_route(method, path, respond)
    async with (
        TestServer(app) as server,
        open_deployment(server.make_url("/")) as deployment,
    ):
        return await check_profile(deployment, SIGNED_IN)


async def test_profile_that_is_not_created_is_wrong() -> None:
    """A refused write ends the journey: there is nothing to read or to delete."""
    (result,) = await _profile((200, {}), post=(502, {"code": "upstream_fault"}))

    assert (result.name, result.status) == ("profile is created", Status.WRONG)


async def test_profile_that_is_read_otherwise_is_wrong_and_deleted() -> None:
    """What comes back must be what was written; it is deleted in any case."""
    for get in ((200, {"userId": "another"}), (500, {})):
        results = {result.name: result.status for result in await _profile(get)}

        assert results["profile is read"] is Status.WRONG
        assert results["profile is deleted"] is Status.OK


async def test_profile_that_cannot_be_deleted_is_wrong() -> None:
    """What was made and stays is said, with what to do about it."""
    results = await _profile((500, {}), delete=(412, {"code": "precondition_failed"}))

    assert results[-1].status is Status.WRONG
    assert results[-1].advice == "Delete the profile of this user yourself."


async def test_answers_that_are_no_refusals_are_unknown() -> None:
    """A failing deployment neither believes nor refuses."""
    paths = ("/v1/user/profile", f"/v1/users/{SIGNED_IN.user_id}/profile")
    async with (
        _deployment({("GET", path): (500, {}) for path in paths}) as server,
        open_deployment(server.make_url("/")) as deployment,
    ):
        results = await check_refusals(deployment, None, SIGNED_IN)

    assert {result.status for result in results} == {Status.UNKNOWN}


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "a.W10.c", "a._w.c"])
def test_token_that_is_none_has_no_claims(token: str) -> None:
    """A token that is no JWT is of no pool."""
    result = check_token(SignedIn("u", token, "i"), configured())

    assert result.status is Status.WRONG
    assert result.detail == "iss None, client_id None"


@pytest.mark.parametrize(
    ("answers", "status", "advice"),
    [
        ([refusal("AccessDeniedException", message="no")], Status.UNKNOWN, "right that is named"),
        (
            [refusal("UserLambdaValidationException", message="no")],
            Status.UNKNOWN,
            "AdminCreateUser",
        ),
        ([HANG_UP, HANG_UP], Status.UNKNOWN, "AdminCreateUser"),
        (
            [refusal("InvalidParameterException", message="alias"), answer({}), answer({})],
            Status.OK,
            "",
        ),
    ],
    ids=["denied", "trigger", "cut off", "aliases"],
)
async def test_user_may_not_be_created(answers: list[bytes], status: Status, advice: str) -> None:
    """Without the rights nothing is created, and nothing is to be removed."""
    async with scripted_server(*answers) as server, aws_clients(_cognito_at(server.url)) as clients:
        user = TemporaryUser(clients.cognito, "us-east-1_x")
        result = await user.create()
        left = None if status is Status.OK else await user.remove()

    assert (result.status, left) == (status, None)
    assert advice in result.advice
    assert ("@" in user.credentials.username) is (status is not Status.OK)


async def test_user_that_cannot_be_removed_is_named() -> None:
    """A user who stays is named with the command that deletes it."""
    denied = refusal("AccessDeniedException", message="no")
    async with (
        scripted_server(answer({}), answer({}), denied) as server,
        aws_clients(_cognito_at(server.url)) as clients,
    ):
        user = TemporaryUser(clients.cognito, "us-east-1_x")
        await user.create()
        left = await user.remove()

    assert left is not None
    assert left.status is Status.WRONG
    assert f"--username {user.credentials.username}" in left.advice


@pytest.mark.parametrize(
    ("status", "admin_delete", "expected"),
    [
        (204, NOT_FOUND, Status.OK),
        (204, answer({}), Status.WRONG),
        (204, refusal("AccessDeniedException", message="no"), Status.UNKNOWN),
        (500, answer({}), Status.WRONG),
    ],
    ids=["gone", "still there", "not known", "refused"],
)
async def test_account_must_be_gone_after_its_deletion(
    status: int, admin_delete: bytes, expected: Status
) -> None:
    """Cognito is asked whether the account is gone, as 204 says."""
    async with (
        scripted_server(admin_delete) as cognito,
        _deployment({("DELETE", "/api/auth/me"): (status, {})}) as server,
        open_deployment(server.make_url("/")) as deployment,
        aws_clients(_cognito_at(cognito.url)) as clients,
    ):
        user = TemporaryUser(clients.cognito, "us-east-1_x")
        result = await user.delete_by_itself(deployment, SIGNED_IN)

    assert result.status is expected


async def test_account_of_a_deployment_that_is_gone_is_unknown() -> None:
    """A deployment that stops answering has not deleted the account."""
    async with _deployment({}) as server:
        url = server.make_url("/")
    async with open_deployment(url) as deployment, aws_clients(_cognito_at(str(url))) as clients:
        result = await TemporaryUser(clients.cognito, "x").delete_by_itself(deployment, SIGNED_IN)

    assert result.status is Status.UNKNOWN
