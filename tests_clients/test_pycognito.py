"""A program with pycognito signs users up and in at the local AWS as at AWS."""

import json
import subprocess
from pathlib import Path

from local_aws.fixture import LocalCognito
from local_aws.outbox import Delivery
from local_aws.server import LOCAL, local_aws
from tests_clients.conftest import PYTHON_CLIENTS

PROGRAM = Path(__file__).parent / "pycognito_journey.py"


def _ignore(_: Delivery) -> None:
    """Print no code."""


def test_journey_of_a_user(tmp_path: Path) -> None:
    """Sign-up, SRP, verification of tokens, refresh, an authenticator app, new passwords."""
    # pycognito expects the issuer at the address of its client.
    with local_aws(announce=_ignore, issuer_url=LOCAL) as aws:
        local = LocalCognito(aws.endpoint_url, "us-east-1", "", "", [])
        cognito = local.client()
        pool_id = cognito.create_user_pool(PoolName="p", AutoVerifiedAttributes=["email"])[
            "UserPool"
        ]["Id"]
        cognito.set_user_pool_mfa_config(
            UserPoolId=pool_id,
            MfaConfiguration="OPTIONAL",
            SoftwareTokenMfaConfiguration={"Enabled": True},
        )
        client = cognito.create_user_pool_client(UserPoolId=pool_id, ClientName="c")
        ids = {"pool_id": pool_id, "client_id": client["UserPoolClient"]["ClientId"]}
        cognito.close()
        ended = subprocess.run(  # noqa: S603 -- our own program
            [PYTHON_CLIENTS / "python", PROGRAM, json.dumps(ids)],
            cwd=tmp_path,
            env={**local.environ, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr
