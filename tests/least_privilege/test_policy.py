"""The policy: one file, which the README shows and which is what the service's document asks for."""

import json
from pathlib import Path

from tests.least_privilege.policy import POLICY_FILE, policy_document, policy_for, table_arn

README = Path(__file__).parents[2] / "README.md"


def test_policy_is_the_one_that_operators_have() -> None:
    """Who set the role up by the original instructions has nothing to change."""
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


def test_readme_shows_the_policy() -> None:
    """What is read is what is shipped, to the letter."""
    shown = [block.split("```")[0] for block in README.read_text("utf-8").split("```json\n")[1:]]

    assert [block for block in shown if '"Statement"' in block] == [POLICY_FILE.read_text("utf-8")]


def test_policy_for_a_table_names_it_alone() -> None:
    """Region, account and table are put in their places."""
    (statement,) = json.loads(policy_for("people", region="eu-west-1"))["Statement"]

    assert statement["Resource"] == table_arn("people", region="eu-west-1")
