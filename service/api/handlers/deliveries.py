"""How an answer says where a code was sent."""

from collections.abc import Mapping
from typing import Final

from service.domain.accounts import Delivery

CONTACTS: Final = ("email", "phone_number")


def delivery_data(delivery: Delivery) -> Mapping[str, str]:
    """Return a delivery as DeliverySchema has it."""
    return {
        "medium": delivery.medium,
        "destination": delivery.destination,
        "attribute": delivery.attribute,
    }


def recipients_of(attributes: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the addresses among *attributes* to which Cognito may send a code."""
    return tuple(value for name in CONTACTS if (value := attributes.get(name)))
