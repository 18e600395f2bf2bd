"""
What documents and workflows name ahead of the changes that bring it.

What exists may not stand here: a change that brings something removes its line.
"""

from typing import Final

TARGETS: Final[frozenset[str]] = frozenset()
PATHS: Final = frozenset(
    {
        "service/api/http_errors.py",
    }
)
