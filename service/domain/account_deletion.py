"""Deleting an account together with its profile, in an order that a crash cannot leave half done."""

from service.domain.accounts import OwnAccount, account_of
from service.domain.profiles import ProfileStore


async def delete_account(
    own_account: OwnAccount, store: ProfileStore, access_token: str, *, sub: str
) -> None:
    """
    Erase the profile and delete the account of the token's user, whom the verified token calls *sub*.

    The profile goes first and its place is closed: whatever fails afterwards, the token still names
    the user, and the same call finishes what this one began. An account that were deleted first
    would leave a profile that nobody can ask to erase. Raises as `OwnAccount.delete` and
    `ProfileStore.close`, and TokenInvalid where Cognito names another user.
    """
    account = await account_of(own_account, access_token, sub=sub)
    await store.close(account.user_id)
    await own_account.delete(access_token)
