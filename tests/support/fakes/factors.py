"""The Factors port in memory."""

from service.domain.errors import FeatureUnavailable, InvalidFields, MfaNotConfigured
from service.domain.mfa import EMAIL, PASSKEY, PASSKEY_ALONE, SMS, TOTP, MfaPreferences
from tests.support.fakes import totp
from tests.support.fakes.user import MemoryUser
from tests.support.fakes.user_pool import MemoryUserPool

ADDRESSES = {SMS: "phone_number", EMAIL: "email"}


class MemoryFactors:
    """The Factors port on a pool in memory."""

    def __init__(self, pool: MemoryUserPool) -> None:
        self._pool = pool

    async def preferences(self, access_token: str) -> MfaPreferences:
        """Return what is enabled."""
        user = self._pool.bearer(access_token)
        return MfaPreferences(user.enabled_factors, user.preferred_factor)

    async def prefer(self, access_token: str, preferences: MfaPreferences) -> None:
        """Enable exactly these factors."""
        user, wanted = self._pool.bearer(access_token), preferences
        if wanted.enabled == (PASSKEY,):
            raise InvalidFields.of("enabled", PASSKEY_ALONE)
        if PASSKEY in wanted.enabled and not self._pool.rules.passkeys_are_both_factors:
            raise FeatureUnavailable
        missing = wanted.preferred is not None and wanted.preferred not in wanted.enabled
        required = self._pool.rules.mfa == "ON"
        switched_off = set(user.enabled_factors) - set(wanted.enabled)
        if required and switched_off:
            raise InvalidFields.of("enabled", "This deployment requires a second factor.")
        if missing or not all(self._is_set_up(user, factor) for factor in wanted.enabled):
            raise MfaNotConfigured
        user.enabled_factors, user.preferred_factor = wanted.enabled, wanted.preferred

    async def associate_totp(self, access_token: str) -> str:
        """Return a new secret for an authenticator app, in Base32; it counts once it is verified."""
        return associate(self._pool, self._pool.bearer(access_token))

    async def verify_totp(self, access_token: str, code: str, device_name: str | None) -> None:
        """Verify the secret that was associated last."""
        del device_name
        verify(self._pool, self._pool.bearer(access_token), code)

    def _is_set_up(self, user: MemoryUser, factor: str) -> bool:
        if factor == TOTP:
            return user.totp_secret is not None
        if factor == PASSKEY:
            return bool(user.passkeys)
        return factor in self._pool.rules.second_factors and ADDRESSES[factor] in user.attributes


def active(pool: MemoryUserPool, user: MemoryUser) -> tuple[str, ...]:
    """Return the second factors of which the user is asked for one."""
    if pool.rules.mfa == "ON" and not user.enabled_factors:
        return tuple(
            name
            for name, attribute in ADDRESSES.items()
            if name in pool.rules.second_factors and attribute in user.attributes
        )
    return tuple(factor for factor in user.enabled_factors if factor != PASSKEY)


def associate(pool: MemoryUserPool, user: MemoryUser) -> str:
    """Draw a secret; the one in use stays until the new one is verified."""
    if TOTP not in pool.rules.second_factors:
        raise MfaNotConfigured
    user.new_totp_secret = totp.new_secret(pool.number())
    return user.new_totp_secret


def verify(pool: MemoryUserPool, user: MemoryUser, code: str) -> None:
    """Put the associated secret into use."""
    if user.new_totp_secret is None:
        raise MfaNotConfigured
    user.used_totp_steps.clear()
    totp.spend(user, user.new_totp_secret, code, pool.clock())
    user.totp_secret, user.new_totp_secret = user.new_totp_secret, None
