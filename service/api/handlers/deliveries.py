"""The addresses that codes are sent to."""

from collections.abc import Mapping
from typing import Final

from service.domain.accounts import Delivery

CONTACTS: Final = ("email", "phone_number")


def delivery_data(delivery: Delivery) -> Mapping[str, str]:
    """Return a delivery in the form of DeliverySchema."""
    return {
        "medium": delivery.medium,
        "destination": delivery.destination,
        "attribute": delivery.attribute,
    }


def recipients_of(attributes: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the addresses in *attributes* that Cognito may send a code to."""
    return tuple(value for name in CONTACTS if (value := attributes.get(name)))
