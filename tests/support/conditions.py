"""Preconditions of writes."""

from service.domain.profiles import Profile


class Always:
    """A condition that allows all."""

    def allows(self, _: Profile | None) -> bool:
        """Allow it."""
        return True
