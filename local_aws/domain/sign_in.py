"""The sign-in pages, and the redirects around them."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from moto.cognitoidp.models import CognitoIdpUser as User
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from local_aws.cognito import tokens
from local_aws.cognito.attributes import FORMATS
from local_aws.cognito.errors import CognitoError
from local_aws.cognito.settings import App, setting
from local_aws.cognito.sign_in import challenges, password_sign_in, simulation
from local_aws.cognito.state import Call
from local_aws.domain import external_users, pages
from local_aws.domain.authorization import (
    COGNITO,
    Authorization,
    PageError,
    RedirectError,
    checked,
    domain_app,
    providers,
    single,
)
from local_aws.domain.state import DomainState

COOKIE = "cognito"
LOGIN_PATH = "/login"
AUTHORIZE_PATH = "/oauth2/authorize"
PROVIDER_PATH = "/local-idp"  # the page of every external provider
# Challenges that are answered with a code, and the name of the answer.
CODES = {
    "EMAIL_OTP": "EMAIL_OTP_CODE",
    "SMS_MFA": "SMS_MFA_CODE",
    "SOFTWARE_TOKEN_MFA": "SOFTWARE_TOKEN_MFA_CODE",
}


class SignInPages:
    """The authorization and logout endpoints, and the pages between them."""

    def __init__(self, state: DomainState) -> None:
        self._state = state

    def authorize(self, request: Request) -> Response:
        """Redirect to the sign-in page, to a provider, or back with a code if there is a session."""
        authorization = checked(single(request.args))
        query = request.query_string.decode("latin-1")
        if authorization.provider not in {None, COGNITO}:
            return redirect(f"{PROVIDER_PATH}?{query}")
        user = self._state.session(request.cookies.get(COOKIE), authorization.app.pool.id)
        if user is not None and user.enabled and _exists(authorization.app, user):
            return self._return_code(authorization, self._sign_in(authorization.app, user))
        return redirect(f"{LOGIN_PATH}?{query}")

    def login(self, request: Request) -> Response:
        """Show the sign-in page, or sign in with what it posts."""
        authorization = checked(single(request.args))
        if not providers(authorization.app):
            raise PageError("The app client has no SupportedIdentityProviders.")
        if request.method == "GET":
            return self._login_page(request, authorization.app)
        if COGNITO not in providers(authorization.app):
            raise PageError("The app client does not support users of the pool itself.")
        posted = single(request.form)
        try:
            result = self._posted(authorization.app, posted)
        except CognitoError as refusal:
            return self._login_page(request, authorization.app, error=str(refusal.message))
        if "ChallengeName" in result:
            return self._challenge_page(request, posted.get("username", ""), result)
        return self._return_code(authorization, result["AuthenticationResult"])

    def provider(self, request: Request) -> Response:
        """Show the page that stands for an external provider, or sign in with what it posts."""
        authorization = checked(single(request.args))
        name, own_url = authorization.provider, _own_url(request)
        if name in {None, COGNITO}:
            raise PageError("identity_provider must name an external provider.")
        email = request.form.get("email", "").strip()
        if "cancel" in request.form:
            problem = ("access_denied", f"The user cancelled at {name}")
            raise RedirectError(authorization.redirect_uri, authorization.state, *problem)
        if request.method == "GET" or not FORMATS["email"][0].fullmatch(email):
            error = "" if request.method == "GET" else "Enter an e-mail address."
            enter = pages.form(own_url, pages.text_field("email", "E-mail address", kind="email"))
            cancel = pages.form(own_url, pages.hidden_field("cancel", "true"), submit="Cancel")
            return pages.page(f"{name} (a local stand-in)", enter + cancel, error=error)
        user = external_users.signed_in(self._state.cognito, authorization.app, str(name), email)
        if not user.enabled:
            problem = ("access_denied", "User is disabled.")
            raise RedirectError(authorization.redirect_uri, authorization.state, *problem)
        return self._return_code(authorization, self._sign_in(authorization.app, user))

    def logout(self, request: Request) -> Response:
        """End the browser's session, and redirect to a sign-out URL of the client or to a new sign-in."""
        given = single(request.args)
        app = domain_app(given.get("client_id"))
        if "logout_uri" in given:
            if given["logout_uri"] not in setting(app.client, "LogoutURLs", []):
                raise PageError("This logout_uri is no sign-out URL of the app client.")
            target = given["logout_uri"]
        else:
            checked(given)
            target = f"{LOGIN_PATH}?{request.query_string.decode('latin-1')}"
        self._state.close_session(request.cookies.get(COOKIE))
        response = redirect(target)
        response.delete_cookie(COOKIE, httponly=True, samesite="Lax")
        return response

    def _posted(self, app: App, posted: Mapping[str, str]) -> dict[str, Any]:
        """Return the result of a password or a second factor; raises CognitoError."""
        cognito, username = self._state.cognito, posted.get("username", "")
        if posted.get("challenge") not in CODES:
            user = simulation.require(cognito, app, username)
            call = Call("InitiateAuth", {}, cognito)
            return password_sign_in.sign_in(call, app, user, posted.get("password", ""))
        answer = {
            "USERNAME": username,
            CODES[posted["challenge"]]: posted.get("code", "").strip(),
            **_secret_hash(app, username),
        }
        parameters = {
            "ClientId": app.client.id,
            "ChallengeName": posted["challenge"],
            "Session": posted.get("session", ""),
            "ChallengeResponses": answer,
        }
        call = Call("RespondToAuthChallenge", parameters, cognito)
        return challenges.respond_to_auth_challenge(call)

    def _login_page(self, request: Request, app: App, *, error: str = "") -> Response:
        fields = (
            pages.text_field("username", "User name", autocomplete="username"),
            pages.text_field(
                "password", "Password", kind="password", autocomplete="current-password"
            ),
        )
        offered = providers(app)
        own = pages.form(_own_url(request), *fields) if COGNITO in offered else ""
        others = [
            (
                f"Sign in with {name}",
                f"{AUTHORIZE_PATH}?{urlencode({**request.args.to_dict(), 'identity_provider': name})}",
            )
            for name in offered
            if name != COGNITO
        ]
        return pages.page("Sign in", own + pages.links(others), error=error)

    def _challenge_page(
        self, request: Request, username: str, result: Mapping[str, Any]
    ) -> Response:
        name = result["ChallengeName"]
        if name not in CODES:
            raise PageError(f"The local sign-in page does not support the challenge {name}.")
        hidden = {"username": username, "challenge": name, "session": result["Session"]}
        fields = [pages.hidden_field(key, value) for key, value in hidden.items()]
        code = pages.text_field("code", "Code", autocomplete="one-time-code")
        return pages.page("Enter your code", pages.form(_own_url(request), *fields, code))

    def _sign_in(self, app: App, user: User) -> dict[str, Any]:
        """Return the result of a sign-in that needs no further proof."""
        result: dict[str, Any] = tokens.sign_in(self._state.cognito, app, user)[
            "AuthenticationResult"
        ]
        return result

    def _return_code(self, authorization: Authorization, result: Mapping[str, Any]) -> Response:
        """
        Redirect back with a code for the grant of *result*, and open the browser's session.

        The tokens of *result* itself are not issued: the code is exchanged for others.
        """
        cognito = self._state.cognito
        refresh_token = result["RefreshToken"]
        grant = cognito.refresh_tokens[refresh_token].grant
        del cognito.access_tokens[result["AccessToken"]]
        grant.device_key = None  # the domain registers no devices
        grant.scopes = authorization.scopes
        grant.has_id_token = "openid" in authorization.scopes
        code = self._state.issue_code(authorization, grant, refresh_token)
        response = redirect(
            with_parameters(
                authorization.redirect_uri, {"code": code, "state": authorization.state}
            )
        )
        cookie = self._state.open_session(grant.pool.id, grant.user)
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="Lax")
        return response


def with_parameters(url: str, parameters: Mapping[str, str | None]) -> str:
    """Return *url* with more parameters in its query."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{url}{'&' if '?' in url else '?'}{urlencode(given, quote_via=quote)}"


def _own_url(request: Request) -> str:
    return f"{request.path}?{request.query_string.decode('latin-1')}"


def _exists(app: App, user: User) -> bool:
    return app.pool.users.get(user.username) is user


def _secret_hash(app: App, username: str) -> dict[str, str]:
    if not app.client.generate_secret:
        return {}
    message = f"{username}{app.client.id}".encode()
    digest = hmac.digest(app.client.secret.encode(), message, hashlib.sha256)
    return {"SECRET_HASH": base64.b64encode(digest).decode()}
