"""The policy of the service's role, `deploy/iam-policy.json`."""

import json
from pathlib import Path
from typing import Any

POLICY_FILE = Path(__file__).parents[2] / "deploy" / "iam-policy.json"
ACCOUNT = "123456789012"  # moto's own

# The placeholders that operators replace.
_REGION, _ACCOUNT, _TABLE = "ap-south-1", "ACCOUNT_ID", "user-profiles"


def policy_document() -> dict[str, Any]:
    """Return the shipped policy."""
    document: dict[str, Any] = json.loads(POLICY_FILE.read_text(encoding="utf-8"))
    return document


def allowed_actions() -> set[str]:
    """Return the actions that the policy allows."""
    return {
        action for statement in policy_document()["Statement"] for action in statement["Action"]
    }


def policy_for(table: str, *, region: str) -> str:
    """Return the policy for a *table*, with its placeholders replaced."""
    text = POLICY_FILE.read_text(encoding="utf-8")
    for placeholder, value in ((_REGION, region), (_ACCOUNT, ACCOUNT), (_TABLE, table)):
        text = text.replace(placeholder, value)
    return text


def table_arn(table: str, *, region: str) -> str:
    """Return the ARN of a *table*."""
    return f"arn:aws:dynamodb:{region}:{ACCOUNT}:table/{table}"
