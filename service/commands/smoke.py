"""`smoke`: checks a running deployment, as its clients see it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from botocore.exceptions import BotoCoreError
from yarl import URL

from service.commands import terminal
from service.commands.doctor import report
from service.config import loader
from service.config.settings import Config
from service.deployment_checks.doctor import aws_clients
from service.deployment_checks.results import CheckResult
from service.deployment_checks.smoke.deployment import open_deployment
from service.deployment_checks.smoke.journey import Credentials
from service.deployment_checks.smoke.run import check_deployment
from service.deployment_checks.smoke.temporary_user import TemporaryUser
from service.server import serve
from service.startup_errors import AwsUnusable, ConfigurationUnusable, UrlUnusable

USERNAME = "SMOKE_USERNAME"
PASSWORD = "SMOKE_PASSWORD"  # noqa: S105 -- the name of a variable


def run(
    url: str, file: Path | None, environ: Mapping[str, str], *, create_user: bool, as_json: bool
) -> int:
    """
    Print the report and return the exit status.

    Raises UrlUnusable, and with *create_user* ConfigurationUnusable and AwsUnusable.
    """
    target = _url(url)
    given = {name: value for name, value in environ.items() if name not in (USERNAME, PASSWORD)}
    try:
        config: Config | None = loader.load(file, given)
    except ConfigurationUnusable:
        if create_user:
            raise
        config = None  # the deployment has its own: only the token's claims can't be compared
    if config is not None:
        terminal.log_to_stderr(config.log, file, given)
    # Files of secrets end with a line feed.
    username, password = (environ.get(name, "").strip("\r\n") for name in (USERNAME, PASSWORD))
    credentials = Credentials(username, password) if username and password else None
    try:
        with terminal.progress("Checking the deployment") as show:
            found = serve.run(
                _checked(target, config, credentials, create_user=create_user, show=show)
            )
    except BotoCoreError as error:
        raise AwsUnusable.by_settings(error) from error
    return report(found, as_json=as_json)


async def _checked(
    url: URL,
    config: Config | None,
    credentials: Credentials | None,
    *,
    create_user: bool,
    show: Callable[[str], None],
) -> list[CheckResult]:
    async with open_deployment(url, on_call=show) as deployment:
        if config is None or not create_user:
            return await check_deployment(
                deployment, config=config, credentials=credentials, user=None
            )
        async with aws_clients(config) as clients:
            user = TemporaryUser(clients.cognito, config.cognito.user_pool_id)
            return await check_deployment(deployment, config=config, credentials=None, user=user)


def _url(text: str) -> URL:
    try:
        url = URL(text)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host or url.user or url.query_string:
        raise UrlUnusable("The URL must be like https://api.example.com.")
    return url
