"""Accounts: the values of having one, and the ports of signing up and of one's own account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from service.domain.client import Client
from service.domain.errors import TokenInvalid


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a person signs up with; *attributes* are Cognito's, by name."""

    username: str
    password: str = field(repr=False)
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
    A new account; *user_id* is its `sub`, *delivery* None where no code was sent.

    Both are None of an account whose creation was proved only afterwards: the reply was lost.
    """

    user_id: str | None
    confirmed: bool
    delivery: Delivery | None


@dataclass(frozen=True, slots=True)
class Account:
    """A user's own account; *user_id* is its `sub`."""

    user_id: str
    username: str
    attributes: Mapping[str, str] = field(repr=False)


class Registrations(Protocol):
    """
    The port of signing up.

    Besides the errors that each method names, all raise the TryLater and ServiceFault errors.
    """

    async def sign_up(self, account: NewAccount, client: Client) -> SignedUp:
        """Create an account; raises AccountExists, WeakPassword, InvalidParameter, SignUpDisabled."""

    async def confirm(self, username: str, code: str, client: Client) -> None:
        """
        Confirm an account with its code; raises CodeMismatch, AliasExists.

        A wrong code, an old one, a user who is confirmed already and an unknown one are all a
        CodeMismatch: the answer must not tell who has an account.
        """

    async def resend_code(self, username: str, client: Client) -> None:
        """Send a new confirmation code, if there is an account that waits for one."""


class OwnAccount(Protocol):
    """
    The port of a signed-in user's own account.

    All raise TokenInvalid, AccountNotConfirmed, PasswordResetRequired, and the TryLater and
    ServiceFault errors.
    """

    async def describe(self, access_token: str) -> Account:
        """Return the account of the token's user."""

    async def change_attributes(
        self, access_token: str, changes: Mapping[str, str | None]
    ) -> tuple[Delivery, ...]:
        """
        Set attributes, and remove those that are None; return where codes were sent.

        Raises AliasExists, InvalidParameter.
        """

    async def send_verification(self, access_token: str, attribute: str) -> Delivery:
        """
        Send a code that proves the user's e-mail address or telephone number.

        Raises InvalidParameter where the user has none.
        """

    async def verify(self, access_token: str, attribute: str, code: str) -> None:
        """Prove an attribute with its code; raises CodeMismatch, CodeExpired, AliasExists."""

    async def delete(self, access_token: str) -> None:
        """Delete the account; one that was deleted by a lost call before is no error."""


async def account_of(own_account: OwnAccount, access_token: str, *, sub: str) -> Account:
    """
    Return the account of a verified token, as Cognito has it now.

    Raises as `OwnAccount.describe`, and TokenInvalid where Cognito names another user than the token.
    """
    account = await own_account.describe(access_token)
    if account.user_id != sub:
        raise TokenInvalid
    return account
