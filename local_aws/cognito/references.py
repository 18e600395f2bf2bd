"""The check that a pool, and what a call names in it, exist."""

from local_aws.cognito.directory import find_pool
from local_aws.cognito.errors import ResourceNotFoundException
from local_aws.cognito.state import Call

# Parameter -> the dictionary of moto's pool, and the message for a name that is not in it.
NAMED = {
    "ClientId": ("clients", "User pool client {} does not exist."),
    "GroupName": ("groups", "Group not found."),
    "Identifier": ("resource_servers", "Resource server {} does not exist."),
    "ProviderName": ("identity_providers", "Identity provider {} does not exist."),
}


def check(call: Call) -> None:
    """Raise ResourceNotFoundException for what the call names and does not create."""
    if "UserPoolId" not in call.parameters:
        return
    pool = find_pool(call.parameters["UserPoolId"])
    if call.operation.startswith("Create"):
        return
    for parameter, (holder, message) in NAMED.items():
        name = call.parameters.get(parameter)
        if name is not None and name not in getattr(pool, holder):
            raise ResourceNotFoundException(message.format(name))
