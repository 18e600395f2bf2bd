"""
What the templates use ahead of the changes that bring it.

What exists may not stand here: a change that brings a setting or a route removes its name.
"""

from typing import Final

SETTINGS: Final = ("SERVER_TRUSTED_PROXIES", "LIMITS_TASKS")
ROUTES: Final[tuple[str, ...]] = ()
