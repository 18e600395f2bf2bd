"""The policy: one file, which docs/deployment.md shows."""

import json
from pathlib import Path

from tests.least_privilege.policy import POLICY_FILE, policy_document, policy_for, table_arn

PAGE = Path(__file__).parents[2] / "docs/deployment.md"


def test_policy_is_the_one_that_operators_have() -> None:
    """The policy is the one of the original instructions, so existing roles need no change."""
    assert policy_document() == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": [
                    "dynamodb:PutItem",
                    "dynamodb:GetItem",
                    "dynamodb:Query",
                    "dynamodb:UpdateItem",
                    "dynamodb:BatchGetItem",
                ],
                "Resource": "arn:aws:dynamodb:ap-south-1:ACCOUNT_ID:table/user-profiles",
            }
        ],
    }


def test_page_shows_the_policy() -> None:
    """The page shows the file verbatim."""
    shown = [block.split("```")[0] for block in PAGE.read_text("utf-8").split("```json\n")[1:]]

    assert [block for block in shown if '"Statement"' in block] == [POLICY_FILE.read_text("utf-8")]


def test_policy_for_a_table_names_it_alone() -> None:
    """The placeholders of region, account and table are replaced."""
    (statement,) = json.loads(policy_for("people", region="eu-west-1"))["Statement"]

    assert statement["Resource"] == table_arn("people", region="eu-west-1")
