"""Accounts: their values, and the ports of registration and of the signed-in user's account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from service.domain.client import UNKNOWN_CLIENT, Client
from service.domain.errors import TokenInvalid
from service.domain.profiles import ProfileStore


@dataclass(frozen=True, slots=True)
class NewAccount:
    """
    The data of a sign-up; *attributes* are Cognito's, by name.

    *password* is None for a user who signs in with one-time codes.
    """

    username: str
    password: str | None = field(default=None, repr=False)
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Where a code was sent: *medium* is EMAIL or SMS, *destination* is masked."""

    medium: str
    destination: str
    attribute: str


@dataclass(frozen=True, slots=True)
class SignedUp:
    """
    A new account; *user_id* is its `sub`, *delivery* is None where no code was sent.

    *session* is that of `Registrations.confirm`, None where the app client cannot use one. All three are
    None where the reply of the sign-up was lost and its success was established afterwards.
    """

    user_id: str | None
    confirmed: bool
    delivery: Delivery | None
    session: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """A user's own account; *user_id* is its `sub`."""

    user_id: str
    username: str
    attributes: Mapping[str, str] = field(repr=False)


class Registrations(Protocol):
    """
    The registration port.

    In addition to the errors of each method, all raise TryLater and ServiceFault errors.
    """

    async def sign_up(self, account: NewAccount, client: Client) -> SignedUp:
        """Create an account; raises AccountExists, WeakPassword, InvalidFields, SignUpDisabled."""

    async def confirm(
        self, username: str, code: str, client: Client, session: str | None = None
    ) -> str | None:
        """
        Confirm an account with its code; raises CodeMismatch, AliasExists.

        With the *session* of its sign-up, which belongs to the user and the app client, return that of
        `Sessions.continue_sign_up`. Return None without one, and for a session that is expired, used,
        another user's or malformed. A wrong code leaves the session usable.

        A wrong code, an expired code, a confirmed user and an unknown user all raise CodeMismatch, so
        that the response does not reveal whether the account exists.
        """

    async def resend_code(self, username: str, client: Client) -> None:
        """Send a new confirmation code if an unconfirmed account exists."""


class OwnAccount(Protocol):
    """
    The port of the signed-in user's account.

    All methods raise TokenInvalid, AccountNotConfirmed, PasswordResetRequired, TryLater and
    ServiceFault errors.
    """

    async def describe(self, access_token: str) -> Account:
        """Return the account of the token's user."""

    async def change_attributes(
        self,
        access_token: str,
        changes: Mapping[str, str | None],
        client: Client = UNKNOWN_CLIENT,
    ) -> tuple[Delivery, ...]:
        """
        Set attributes, remove those that are None, and return where codes were sent.

        Raises AliasExists, InvalidFields.
        """

    async def send_verification(
        self, access_token: str, attribute: str, client: Client = UNKNOWN_CLIENT
    ) -> Delivery:
        """
        Send a verification code to the user's e-mail address or telephone number.

        Raises InvalidFields where the user has none.
        """

    async def verify(self, access_token: str, attribute: str, code: str) -> None:
        """Verify an attribute with its code; raises CodeMismatch, CodeExpired, AliasExists."""

    async def delete(self, access_token: str) -> None:
        """Delete the account; an account that an earlier call with a lost reply deleted is no error."""


async def account_of(own_account: OwnAccount, access_token: str, *, sub: str) -> Account:
    """
    Return the account of a verified access token, as Cognito has it now.

    Raises as `OwnAccount.describe`, and TokenInvalid where Cognito returns another user than *sub*.
    """
    account = await own_account.describe(access_token)
    if account.user_id != sub:
        raise TokenInvalid
    return account


async def delete_account(
    own_account: OwnAccount, store: ProfileStore, access_token: str, *, sub: str
) -> None:
    """
    Delete the profile, then the account, of the token's user; *sub* is the verified token's.

    If a later step fails, the token still identifies the user and the same call completes the
    deletion. In the opposite order a crash could leave a profile that no request can delete.
    Raises as `OwnAccount.delete` and `ProfileStore.close`, and TokenInvalid where Cognito returns
    another user.
    """
    account = await account_of(own_account, access_token, sub=sub)
    await store.close(account.user_id)
    await own_account.delete(access_token)
