"""The tags of user pools."""

from typing import Any

from local_aws.cognito.directory import pools
from local_aws.cognito.errors import InvalidParameterException, ResourceNotFoundException
from local_aws.cognito.state import Call


def list_tags_for_resource(call: Call) -> dict[str, Any]:
    """Return the tags of a pool."""
    return {"Tags": _tags(call)}


def tag_resource(call: Call) -> dict[str, Any]:
    """Add tags, or replace their values."""
    _tags(call).update(call.parameters["Tags"])
    return {}


def untag_resource(call: Call) -> dict[str, Any]:
    """Remove tags."""
    tags = _tags(call)
    for key in call.parameters["TagKeys"]:
        tags.pop(key, None)
    return {}


def _tags(call: Call) -> dict[str, str]:
    arn = call.parameters["ResourceArn"]
    for pool in pools():
        if pool.arn == arn:
            tags: dict[str, str] = pool.extended_config.setdefault("UserPoolTags", {})
            return tags
    if ":userpool/" not in arn:
        raise InvalidParameterException(f"Invalid ARN {arn}")
    raise ResourceNotFoundException(f"User pool {arn.rpartition('/')[2]} does not exist.")
