"""Misspelt settings are told from the variables of other programs."""

from itertools import pairwise

import pytest

from service.config import loader, variables
from service.config.settings import SECTIONS, definitions, environment_name
from service.startup_errors import ConfigurationUnusable

REQUIRED = {
    "AWS_REGION": "ap-south-1",
    "AWS_COGNITO_USER_POOL_ID": "ap-south-1_Ab1",
    "AWS_COGNITO_CLIENT_ID": "1a2b3c",
}
VARIABLES = [
    environment_name(section.section, key)
    for section in SECTIONS.values()
    for key in definitions(section)
]
KUBERNETES_SERVICES = ("SERVER", "SERVERS", "IDENTITY", "LOG", "AUTH", "PROFILE", "SERVER_METRICS")
LINKS = {
    "PORT": "tcp://10.96.0.7:8080",
    "SERVICE_HOST": "10.96.0.7",
    "SERVICE_PORT": "8080",
    "SERVICE_PORT_HTTP": "8080",
    "PORT_8080_TCP": "tcp://10.96.0.7:8080",
    "PORT_8080_TCP_PROTO": "tcp",
    "PORT_8080_TCP_PORT": "8080",
    "PORT_8080_TCP_ADDR": "10.96.0.7",
    "NAME": "/web/server",  # Docker's, as the next one
    "ENV_LOG_LEVEL": "info",
}
FOREIGN = {
    "AWS SDK": "AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SESSION_TOKEN AWS_DEFAULT_OUTPUT AWS_CA_BUNDLE "
    "AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE AWS_STS_REGIONAL_ENDPOINTS AWS_USE_FIPS_ENDPOINT "
    "AWS_ENDPOINT_URL AWS_ENDPOINT_URL_DYNAMODB AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER "
    "AWS_REGION_DEFAULT "
    "AWS_MAX_ATTEMPTS AWS_RETRY_MODE AWS_EC2_METADATA_DISABLED AWS_XRAY_DAEMON_ADDRESS AWS_ACCOUNT_ID",
    "ECS, EKS, Lambda": "ECS_CONTAINER_METADATA_URI_V4 AWS_EXECUTION_ENV AWS_LAMBDA_LOG_LEVEL "
    "AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE KUBERNETES_SERVICE_HOST",
    "Azure": "IDENTITY_ENDPOINT IDENTITY_HEADER IDENTITY_API_VERSION IDENTITY_SERVER_THUMBPRINT "
    "WEBSITE_HOSTNAME WEBSITES_PORT",
    "Heroku, Cloud Foundry, Nomad": "PORT HOST DYNO VCAP_SERVICES CF_INSTANCE_PORT MEMORY_LIMIT "
    "NOMAD_PORT_http NOMAD_REGION NOMAD_HOST_PORT_http REGION WORKERS WEB_CONCURRENCY",
    "GitLab, GitHub": "CI_SERVER_HOST CI_SERVER_PORT CI_SERVER_URL GITHUB_SERVER_URL",
    "CGI, Spring": "SERVER_NAME SERVER_ADDR SERVER_SOFTWARE SERVER_PROTOCOL SERVER_SIGNATURE SERVER_ROOT "
    "SERVER_SERVLET_CONTEXT_PATH SERVER_SSL_ENABLED SERVER_SHUTDOWN LOGGING_LEVEL_ROOT",
    "logs": "LOG_FILE LOG_DIR LOG_PATH LOG_COLOR LOG_TAG LOG_OUTPUT LOG_CHANNEL LOG_STACK LOGNAME "
    "LOGS_DIRECTORY LOG4J_FORMAT_MSG_NO_LOOKUPS GLOG_LEVEL DD_LOG_LEVEL APP_LOG_LEVEL OTEL_LOG_LEVEL",
    "OpenTelemetry": "OTEL_SERVICE_NAME OTEL_EXPORTER_OTLP_ENDPOINT OTEL_TRACES_SAMPLER_ARG",
    "other services": "AUTH_TOKEN AUTH_URL AUTH_SECRET AUTH_ISSUER OAUTH_CLIENT_ID METRICS_PORT "
    "IDENTITY_CLIENT_ID RATE_LIMIT RATE_LIMIT_BURST RATE_LIMIT_PER_SECOND RATE_LIMIT_WINDOW_MS "
    "SERVICE_PORT LIMITS_CPU LIMITS_MEMORY CORS_ENABLED CORS_MAX_AGE CORS_ALLOW_CREDENTIALS "
    "TRACING_ENABLED PROFILE COGNITO_REGION AWS_COGNITO_REGION AWS_COGNITO_IDENTITY_POOL_ID "
    "DYNAMODB_REGION REDIS_PORT _",
}


def _refusal(environ: dict[str, str]) -> list[str]:
    """Return the problems of *environ* besides the required settings; none if it is accepted."""
    try:
        loader.load(None, REQUIRED | environ)
    except ConfigurationUnusable as refused:
        return str(refused).splitlines()[1:]
    return []


def _typing_errors(name: str) -> list[str]:
    """Return *name* with each letter missing, doubled, replaced and exchanged with the next one."""
    found = []
    for index, (letter, following) in enumerate(pairwise(f"{name} ")):
        before, after = name[:index], name[index + 1 :]
        found += [before + after, before + letter * 2 + after, f"{before}X{after}"]
        if following != " ":
            found.append(before + following + letter + name[index + 2 :])
    return [error for error in found if error not in VARIABLES]


@pytest.mark.parametrize("service", KUBERNETES_SERVICES)
def test_address_of_a_service_is_ignored(service: str) -> None:
    """What platforms set for a service of any name changes no setting and stops no start."""
    links = {f"{service}_{suffix}": value for suffix, value in LINKS.items()}

    assert loader.load(None, REQUIRED | links) == loader.load(None, REQUIRED)


@pytest.mark.parametrize("names", FOREIGN.values(), ids=FOREIGN)
def test_variable_of_another_program_is_ignored(names: str) -> None:
    """A variable that cannot be meant as a setting is ignored."""
    assert _refusal(dict.fromkeys(names.split(), "another program's")) == []


@pytest.mark.parametrize("name", VARIABLES)
def test_typing_error_in_any_setting_is_refused(name: str) -> None:
    """A letter too many, missing, wrong or exchanged in the name of any setting is refused."""
    given = {*REQUIRED}

    for error in _typing_errors(name):
        assert dict(variables.misspelt([error], given)), error
    spellings = [f"{name}S", name.lower(), name.replace("_", "-"), name.replace("_", "")]
    assert {*variables.misspelt(spellings, given)} == {(spelling, name) for spelling in spellings}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SERVER_PROT", "SERVER_PORT"),
        ("LOG_LEVL", "LOG_LEVEL"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("log.level", "LOG_LEVEL"),
        ("CORS_ALLOWED_ORIGIN", "CORS_ALLOWED_ORIGINS"),
        ("CORS_ALLOW_ORIGINS", "CORS_ALLOWED_ORIGINS"),
        ("IDENTIY_SOURCE", "IDENTITY_SOURCES"),
        ("SEVER_TRUSTED_PROXYS", "SERVER_TRUSTED_PROXIES"),
        ("AWS_DYNAMO_USER_PROFILE_TABLE", "AWS_DYNAMODB_USER_PROFILE_TABLE"),
        ("AWS_DEFAULT_REGON", "AWS_DEFAULT_REGION"),
        ("AWS_COGNITO_POOL_ID", "AWS_COGNITO_USER_POOL_ID"),
        ("AWS_COGNITO_USERPOOL_ID", "AWS_COGNITO_USER_POOL_ID"),
        ("AWS_DYNAMODB_ENDPOINT", "AWS_DYNAMODB_ENDPOINT_URL"),
        ("AWS_DYNAMODB_TABLE", "AWS_DYNAMODB_USER_PROFILE_TABLE"),
        ("SERVER_DRAIN", "SERVER_DRAIN_S"),
        ("SERVER_MAX_BODY", "SERVER_MAX_BODY_BYTES"),
        ("SERVER_KEEP_ALIVE_MS", "SERVER_KEEP_ALIVE_S"),
        ("LIMITS_SIGN_IN", "LIMITS_SIGN_IN_PER_S"),
        ("LIMITS_SIGN_UO_PER_S", "LIMITS_SIGN_UP_PER_S"),
        ("RATE_LIMIT_SIGN_IN_PER_S", "LIMITS_SIGN_IN_PER_S"),
        ("COGNITO_CLIENT_SECRET", "AWS_COGNITO_CLIENT_SECRET"),
        ("DYNAMODB_ENDPOINT_URL", "AWS_DYNAMODB_ENDPOINT_URL"),
        ("AWS_COGNITO_POOL_USER_ID", "AWS_COGNITO_USER_POOL_ID"),
        ("SERVER_PORT_METRICS", "SERVER_METRICS_PORT"),
    ],
)
def test_misspelt_setting_is_refused_with_the_right_name(name: str, meant: str) -> None:
    """A variable that only a mistake explains is named with the setting that is meant."""
    assert _refusal({name: "1"}) == [
        f"  {name} in the environment: there is no such setting; did you mean {meant}?"
    ]


def test_other_name_of_a_section_is_accepted_beside_the_setting() -> None:
    """COGNITO_CLIENT_ID belongs to another program if AWS_COGNITO_CLIENT_ID is set."""
    assert _refusal({"COGNITO_CLIENT_ID": "another"}) == []


def test_ignored_variables_that_may_be_meant_are_listed() -> None:
    """The address of a service in a setting's variable, and similar names, are ignored but listed."""
    environ = REQUIRED | {
        "SERVER_PORT": "tcp://10.96.0.7:8080",
        "SERVER_SERVICE_HOST": "10.96.0.7",
        "CORS_ORIGINS": "https://a.example",
        "SERVER_KEEP_ALIVE_SECONDS": "9",
        "GLOG_LEVEL": "1",
        "IDENTITY_CLIENT_ID": "1a2b3c",
        "USER_PROFILE_SERVICE_LOG_LEVEL": "info",
        "APP_SERVER_MAX_CONNECTIONS": "9",
        "LOG_LOG_LEVEL": "info",
        "TRUSTED_PROXIES": "10.0.0.0/8",
        "AWS_CONNECT_TIMEOUT_S": "1",
        "AUTH_SIGN_UP": "true",
        "HTTP_PORT": "80",
        "LOGGING_LEVEL": "info",
        "SERVER_DRAIN_SECONDS": "9",
        "SERVER_MAX_BODY_SIZE": "9",
        "DD_LOG_LEVEL": "info",
        "SERVER_NAME": "_",
        "AWS_PROFILE": "work",
    }

    found = dict(variables.ignored(environ))

    assert "address of another service" in found.pop("SERVER_PORT")
    assert found == {
        name: f"There is no such setting; did you mean {meant}?"
        for name, meant in (
            ("CORS_ORIGINS", "CORS_ALLOWED_ORIGINS"),
            ("SERVER_KEEP_ALIVE_SECONDS", "SERVER_KEEP_ALIVE_S"),
            ("GLOG_LEVEL", "LOG_LEVEL"),
            ("IDENTITY_CLIENT_ID", "IDENTITY_ALB_CLIENT_ID"),
            ("USER_PROFILE_SERVICE_LOG_LEVEL", "LOG_LEVEL"),
            ("APP_SERVER_MAX_CONNECTIONS", "SERVER_MAX_CONNECTIONS"),
            ("LOG_LOG_LEVEL", "LOG_LEVEL"),
            ("TRUSTED_PROXIES", "SERVER_TRUSTED_PROXIES"),
            ("AWS_CONNECT_TIMEOUT_S", "AWS_COGNITO_CONNECT_TIMEOUT_S"),
            ("AUTH_SIGN_UP", "AUTH_CONFIG_SIGN_UP"),
            ("HTTP_PORT", "SERVER_PORT"),
            ("LOGGING_LEVEL", "LOG_LEVEL"),
            ("SERVER_DRAIN_SECONDS", "SERVER_DRAIN_S"),
            ("SERVER_MAX_BODY_SIZE", "SERVER_MAX_BODY_BYTES"),
        )
    }


@pytest.mark.parametrize("name", VARIABLES)
def test_no_setting_looks_like_a_variable_of_a_platform(name: str) -> None:
    """The name of no setting is one that platforms set."""
    assert not variables.is_service_link(name, "10.96.0.7")
