"""Deleting an account together with its profile, in an order that a crash cannot leave half done."""

from service.domain.accounts import OwnAccount
from service.domain.profiles import ProfileStore


async def delete_account(own_account: OwnAccount, store: ProfileStore, access_token: str) -> str:
    """
    Erase the profile and delete the account of the token's user; return the user's id.

    The profile goes first and its place is closed: whatever fails afterwards, the token still names
    the user, and the same call finishes what this one began. An account that were deleted first
    would leave a profile that nobody can ask to erase. Raises as `OwnAccount.delete` and
    `ProfileStore.close`.
    """
    account = await own_account.describe(access_token)
    await store.close(account.user_id)
    await own_account.delete(access_token)
    return account.user_id
