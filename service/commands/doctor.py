"""`doctor`: checks what the service needs in AWS, and says how to mend what is wrong."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError

from service.commands import terminal
from service.config import loader, variables
from service.config.settings import Config
from service.deployment_checks import doctor, results
from service.deployment_checks.results import CheckResult, NamedCheck
from service.deployment_checks.settings import SETTINGS
from service.observability import console_text
from service.server import serve
from service.startup_errors import AwsUnusable, ConfigurationUnusable


def run(file: Path | None, environ: Mapping[str, str], *, as_json: bool) -> int:
    """Print the report and return the exit status; raises AwsUnusable."""
    try:
        config = loader.load(file, environ)
    except ConfigurationUnusable as error:
        return report([SETTINGS.wrong(str(error), "Correct the settings.")], as_json=as_json)
    terminal.log_to_stderr(config.log, file, environ)
    try:
        with terminal.progress("Checking table, user pool, keys and rights"):
            found = serve.run(_examined(config))
    except BotoCoreError as error:
        raise AwsUnusable.by_settings(error) from error
    ignored = [
        NamedCheck(SETTINGS.step, f"variable {name}").ok("is ignored", advice)
        for name, advice in variables.ignored(environ)
    ]
    return report([*found, *ignored], as_json=as_json)


def report(found: Sequence[CheckResult], *, as_json: bool) -> int:
    """Print the results, on a terminal as a table, and return the exit status."""
    if as_json:
        text = results.as_json(found)
    elif sys.stdout.isatty():
        width, coloured = shutil.get_terminal_size().columns, console_text.has_colours(sys.stdout)
        text = results.as_table(found, width=width, coloured=coloured)
    else:
        text = results.as_lines(found)
    sys.stdout.write(text + "\n")
    return results.exit_status(found)


async def _examined(config: Config) -> list[CheckResult]:
    async with doctor.aws_clients(config) as clients:
        return await doctor.examine(config, clients)
