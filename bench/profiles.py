"""The profile of every user of the benchmark, and the user ids."""

from collections.abc import Mapping
from typing import Any, Final

BYTES: Final = 600  # of the answer: this service's, and the constant of the floor

CREATED_AT: Final = "2026-03-14T09:26:53.589Z"
UPDATED_AT: Final = "2026-10-31T23:59:59.123Z"
VERSION: Final = 7
WRITE_ID: Final = "q1w2e3r4t5y6"

FIELDS: Final[Mapping[str, Any]] = {
    "displayName": "Asha Rao",
    "givenName": "Asha",
    "familyName": "Rao",
    "email": "asha.rao@example.com",
    "phoneNumber": "+912212345678",
    "birthdate": "1990-12-31",
    "picture": "https://example.com/people/asha.jpg",
    "bio": "Reads maps, draws some, and walks them on most of her Sundays.",
    "company": "Example Ltd",
    "street": "1 Marine Drive",
    "city": "Mumbai",
    "postalCode": "400001",
    "country": "India",
    "timezone": "Asia/Kolkata",
    "preferences": {"theme": "dark", "newsletter": True, "columns": 3},
}

CHANGES: Final[Mapping[str, Any]] = {  # the body of a POST
    "displayName": "Asha R.",
    "city": "Pune",
    "postalCode": "411001",
    "bio": "Moved, and still walks on Sundays.",
    "timezone": "Asia/Kolkata",
    "preferences": {"theme": "light"},
}

KNOWN_USERS: Final = 500
DIGITS: Final = 12  # of a user's number, in hexadecimal, at the end of the `sub`
NUMBER: Final = "@" * DIGITS  # the placeholder of the number in requests of new users
HAS_PROFILE: Final = "5d9f1f3e-1111-4222-8333-"
HAS_NONE: Final = "ffffffff-1111-4222-8333-"  # users without an item in the stub's table
UNSEEN_FROM: Final = 1 << 32  # numbers from here on are used once


def sub(number: int) -> str:
    """Return the `sub` of a user who has a profile."""
    return f"{HAS_PROFILE}{number:0{DIGITS}x}"


def known_users() -> list[str]:
    """Return the users that occur repeatedly."""
    return [sub(number) for number in range(KNOWN_USERS)]


def item(user_id: str) -> dict[str, Any]:
    """Return the profile's item in the table, as plain values."""
    return {
        "userId": user_id,
        "createdAt": CREATED_AT,
        "updatedAt": UPDATED_AT,
        "version": VERSION,
        **FIELDS,
    }
