"""Operations of features that no pool here uses; the answers are AWS's for a pool without them."""

from typing import Any

from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.cognito.admin import target
from local_aws.cognito.attributes import schema
from local_aws.cognito.directory import find_pool
from local_aws.cognito.errors import ResourceNotFoundException, UserPoolAddOnNotEnabledException
from local_aws.cognito.settings import setting
from local_aws.cognito.state import Call

# Columns of a CSV import beside the attributes (developer guide, "Importing users into user pools").
CSV_COLUMNS = ("cognito:mfa_enabled", "cognito:username")
NOT_IN_CSV = ("sub", "identities")


def admin_list_user_auth_events(call: Call) -> dict[str, Any]:
    """Refuse a pool without threat protection; a pool with it has no events."""
    pool, _ = target(call)
    mode = setting(pool, "UserPoolAddOns", {}).get("AdvancedSecurityMode", "OFF")
    if mode == "OFF":
        raise UserPoolAddOnNotEnabledException
    return {"AuthEvents": []}


def get_csv_header(call: Call) -> dict[str, Any]:
    """Return the columns of an import file."""
    pool = _pool(call)
    columns = [name for name in schema(pool) if name not in NOT_IN_CSV]
    return {"UserPoolId": pool.id, "CSVHeader": [*columns, *CSV_COLUMNS]}


def get_ui_customization(call: Call) -> dict[str, Any]:
    """Return the customization of the hosted pages: none, beside the ids."""
    _pool(call)
    return {"UICustomization": _ids(call)}


def describe_risk_configuration(call: Call) -> dict[str, Any]:
    """Return the configuration of threat protection: none, beside the ids."""
    _pool(call)
    return {"RiskConfiguration": _ids(call)}


def get_log_delivery_configuration(call: Call) -> dict[str, Any]:
    """Return that no log is delivered."""
    return {"LogDeliveryConfiguration": {"UserPoolId": _pool(call).id, "LogConfigurations": []}}


def describe_managed_login_branding_by_client(call: Call) -> dict[str, Any]:
    """Refuse, because no client has a branding."""
    _pool(call)
    raise ResourceNotFoundException("Managed login branding does not exist.")


def list_terms(call: Call) -> dict[str, Any]:
    """Return that there are no terms."""
    _pool(call)
    return {"Terms": []}


def _pool(call: Call) -> Pool:
    """Return the pool of a call; raises ResourceNotFoundException, also for a client of another one."""
    pool = find_pool(call.parameters["UserPoolId"])
    client_id = call.parameters.get("ClientId", "ALL")
    if client_id != "ALL" and client_id not in pool.clients:
        raise ResourceNotFoundException(f"User pool client {client_id} does not exist.")
    return pool


def _ids(call: Call) -> dict[str, str]:
    return {
        name: call.parameters[name]
        for name in ("UserPoolId", "ClientId")
        if name in call.parameters
    }
