"""Simulated users, for clients that hide which users exist."""

import secrets

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import UserStatus
from moto.cognitoidp.utils import expand_attrs

from local_aws.cognito.attributes import FORMATS
from local_aws.cognito.directory import find_user
from local_aws.cognito.errors import UserNotFoundException
from local_aws.cognito.settings import App, distinguishes_case, username_attributes
from local_aws.cognito.state import Cognito


def find(cognito: Cognito, app: App, name: str) -> User | None:
    """Return the user; a simulated one where the client hides missing users; else None."""
    user = find_user(app.pool, name)
    return _simulated(cognito, app, name) if user is None and app.hides_users else user


def require(cognito: Cognito, app: App, name: str) -> User:
    """Return the user as find() does; raises UserNotFoundException instead of None."""
    user = find(cognito, app, name)
    if user is None:
        raise UserNotFoundException
    return user


def _simulated(cognito: Cognito, app: App, name: str) -> User:
    """
    Return the simulated user of a name.

    It has a password and one address, as most users have, and is always the same for a name. It is never
    locked out (see lockout.py). Amazon Cognito chooses at random which challenge it simulates:
    https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pool-managing-errors.html
    """
    key = (app.pool.id, name if distinguishes_case(app.pool) else name.casefold())
    if key not in cognito.simulated:
        user = User(
            user_pool_id=app.pool.id,
            # As the user name of a real user, which the challenges of SRP show.
            username=None if username_attributes(app.pool) else name,
            password=secrets.token_urlsafe(),
            status=UserStatus.CONFIRMED,
            attributes=expand_attrs(_address(name)),
        )
        cognito.account(user).simulated = True
        cognito.simulated[key] = user
    return cognito.simulated[key]


def _address(name: str) -> dict[str, str]:
    for attribute, (form, _) in FORMATS.items():
        if form.fullmatch(name):
            return {attribute: name}
    return {"email": f"{name}@example.com"}
