"""Deletion of an account together with its profile, in an order that survives a crash."""

from service.domain.accounts import OwnAccount, account_of
from service.domain.profiles import ProfileStore


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
