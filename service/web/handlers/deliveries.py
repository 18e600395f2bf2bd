"""How an answer says where a code was sent."""

from collections.abc import Mapping

from service.domain.accounts import Delivery


def delivery_data(delivery: Delivery) -> Mapping[str, str]:
    """Return a delivery as DeliverySchema has it."""
    return {
        "medium": delivery.medium,
        "destination": delivery.destination,
        "attribute": delivery.attribute,
    }
