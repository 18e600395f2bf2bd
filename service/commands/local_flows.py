"""What `local` and `docker compose up` print: addresses, and commands to try."""

import argparse
import configparser
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the API and its local AWS are, for programs on this machine."""

    api: str
    aws: str
    region: str
    user_pool_id: str
    client_id: str


GREETING = """
The API listens on {api}   (page: {api}/docs)
The local AWS listens on {aws}, user pool {user_pool_id}, app client {client_id}:

export AWS_ENDPOINT_URL={aws} AWS_DEFAULT_REGION={region} \
AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local

Codes that Cognito would send are printed {codes}; the newest one of alice is at
{aws}/local-aws/codes/alice

To try the API, paste these lines into another terminal:

curl -s -w '\\n' {api}/api/auth/signup -H 'Content-Type: application/json' \
-d '{{"username": "alice", "password": "YourPass123!", "attributes": {{"email": "alice@example.com"}}}}'
CODE=$(curl -s {aws}/local-aws/codes/alice)
curl -s -w '\\n' {api}/api/auth/confirm -H 'Content-Type: application/json' \
-d '{{"username": "alice", "code": "'$CODE'"}}'
USER_ID=$(curl -s {api}/api/auth/login -H 'Content-Type: application/json' \
-d '{{"username": "alice", "password": "YourPass123!"}}' | sed 's/.*"userId":"\\([^"]*\\)".*/\\1/')
curl -s -w '\\n' {api}/v1/user/profile -H "x-amzn-oidc-identity: $USER_ID" \
-H 'Content-Type: application/json' -d '{{"city": "Mumbai", "country": "India"}}'
curl -s -w '\\n' {api}/v1/user/profile -H "x-amzn-oidc-identity: $USER_ID"
"""

BALANCER = """
A local load balancer listens on {balancer}: it authenticates users by user name and password, or in a
browser that opens {balancer}/login, and passes their signed identity to the API (x-amzn-oidc-data):

curl -s -w '\\n' -u 'alice:YourPass123!' {balancer}/v1/user/profile
"""

SERVICE = """
Another service calls with a token of its own app client, and with alice's USER_ID of above:

TOKEN=$(curl -s {aws}/oauth2/token -u '{client_id}:{secret}' -d grant_type=client_credentials \
| sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')
curl -s -w '\\n' {api}/v1/users/$USER_ID/profile -H "Authorization: Bearer $TOKEN"
"""

# The verifier and challenge are those of RFC 7636, appendix B.
FEDERATION = """
Users also sign in on the pages of the user pool's domain, by themselves or with the provider LocalIdP.
Open the url that the first command prints. Put the code of the address that the browser returns to into
the second:

curl -s -w '\\n' {api}/api/auth/federated -H 'Content-Type: application/json' \
-d '{{"redirectUri": "{redirect_uri}", "state": "xyz", \
"codeChallenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}}'
curl -s -w '\\n' {api}/api/auth/federated/tokens -H 'Content-Type: application/json' \
-d '{{"redirectUri": "{redirect_uri}", "code": "CODE", \
"codeVerifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}}'
"""

KEPT = """
Ctrl-C ends it. Accounts and profiles are kept in {folder}; make run FRESH=1 starts without them.
"""


def greeting(addresses: Addresses, *, codes: str) -> str:
    """Return the addresses and commands; *codes* says where codes are printed."""
    return GREETING.format(**asdict(addresses), codes=codes)


def main(arguments: Sequence[str]) -> None:
    """Print the commands for the servers of `docker compose up`: api URL, AWS URL, file of settings."""
    parser = argparse.ArgumentParser(prog="python -m service.commands.local_flows")
    parser.add_argument("api", help="URL of the API on this machine")
    parser.add_argument("aws", help="URL of the local Cognito on this machine")
    parser.add_argument("settings", type=Path, help="the file that `setup --write` wrote")
    options = parser.parse_args(arguments)
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string(options.settings.read_text(encoding="utf-8"))
    addresses = Addresses(
        options.api,
        options.aws,
        settings["aws"]["region"],
        settings["aws.cognito"]["user-pool-id"],
        settings["aws.cognito"]["client-id"],
    )
    federation = FEDERATION.format(
        api=options.api, redirect_uri=settings["federation"]["redirect-uris"].split()[0]
    )
    text = greeting(addresses, codes="in the log of local-aws") + federation
    print(text, flush=True)  # noqa: T201 -- for a person


if __name__ == "__main__":  # pragma: no cover -- tests call main()
    main(sys.argv[1:])
