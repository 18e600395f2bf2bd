"""An authenticator app, as it is on a user's telephone."""

import time

import pyotp

from service.domain.mfa import TOTP, MfaPreferences
from tests.contracts.support import Stage

STEP_S = 30


class App:
    """
    An app that has a secret.

    A code is taken once, and within a step of the present: *now* and *next* are two that are.
    """

    def __init__(self, secret: str) -> None:
        self._totp = pyotp.TOTP(secret)

    def now(self) -> str:
        """Return the code of now."""
        return self._totp.at(_now_s())

    def next(self) -> str:
        """Return the code of the step after this one."""
        return self._totp.at(_now_s() + STEP_S)

    def near(self) -> set[str]:
        """Return the codes of this minute, and some before and after."""
        return {self._totp.at(_now_s() + STEP_S * step) for step in range(-3, 4)}

    def wrong(self) -> str:
        """Return a wrong code."""
        near = self.near()
        return next(code for code in map("{:06}".format, range(10)) if code not in near)


def _now_s() -> int:
    return int(time.time())  # noqa: TID251 -- each pool reads the machine's clock


async def enrolled(stage: Stage, access_token: str) -> App:
    """Return an enabled app whose current code is used."""
    factors = stage.provider.factors
    app = App(await factors.associate_totp(access_token))
    await factors.verify_totp(access_token, app.now(), None)
    await factors.prefer(access_token, MfaPreferences((TOTP,), TOTP))
    return app
