"""Sign-ins of browsers at the local load balancer, on the pages of the user pool's domain."""

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
from aiohttp import hdrs, web

from local_aws.load_balancer_sign_ins import Person

LOGIN_PATH: Final = "/login"  # as the listener rule of deploy/cloudformation
CALLBACK_PATH: Final = "/oauth2/idpresponse"
SIGNED_IN_PAGE: Final = "/docs"
NONCE_COOKIE: Final = "AWSALBAuthNonce"
SESSION_COOKIE: Final = "AWSELBAuthSessionCookie-0"
SCOPES: Final = ("openid", "aws.cognito.signin.user.admin")
SESSION_S: Final = 28_800.0  # SessionTimeout of deploy/cloudformation


@dataclass(frozen=True, slots=True)
class AppClient:
    """The load balancer's own app client; an ALB uses only clients that have a secret."""

    client_id: str
    secret: str = field(repr=False)


class DomainSignIns:
    """Signs browsers in at the domain *url*, and keeps their sessions; without a client it is off."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, clock: Callable[[], float]
    ) -> None:
        self._session = session
        self._url = url
        self._clock = clock
        self._people: dict[str, tuple[float, Person]] = {}
        self.client: AppClient | None = None

    def person(self, request: web.Request) -> Person | None:
        """Return the user of a browser that signed in, None for any other."""
        known = self._people.get(request.cookies.get(SESSION_COOKIE, ""))
        return known[1] if known is not None and self._clock() < known[0] else None

    def begin(self, request: web.Request, client: AppClient) -> web.Response:
        """Redirect to the sign-in page."""
        nonce = secrets.token_urlsafe()
        parameters = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": _callback(request),
            "scope": " ".join(SCOPES),
            "state": nonce,
        }
        response = _redirect(f"{self._url}/oauth2/authorize?{urlencode(parameters)}")
        response.set_cookie(NONCE_COOKIE, nonce, httponly=True, samesite="Lax")
        return response

    async def complete(self, request: web.Request, client: AppClient) -> web.Response:
        """Exchange the code that a browser returned with, open its session, and redirect it."""
        nonce, state = request.cookies.get(NONCE_COOKIE, ""), request.query.get("state", "")
        if not nonce or not secrets.compare_digest(nonce.encode(), state.encode()):
            return web.Response(status=HTTPStatus.UNAUTHORIZED, text="The sign-in is not yours.\n")
        person = await self._exchange(request, client)
        if person is None:  # the status of an ALB that cannot sign a user in
            return web.Response(status=561, text="The sign-in failed.\n")
        cookie = secrets.token_urlsafe()
        self._people[cookie] = (self._clock() + SESSION_S, person)
        response = _redirect(SIGNED_IN_PAGE)
        response.del_cookie(NONCE_COOKIE)
        response.set_cookie(SESSION_COOKIE, cookie, httponly=True, samesite="Lax")
        return response

    async def _exchange(self, request: web.Request, client: AppClient) -> Person | None:
        form = {
            "grant_type": "authorization_code",
            "code": request.query.get("code", ""),
            "redirect_uri": _callback(request),
        }
        credentials = base64.b64encode(f"{client.client_id}:{client.secret}".encode()).decode()
        headers = {hdrs.AUTHORIZATION: f"Basic {credentials}"}
        async with self._session.post(
            f"{self._url}/oauth2/token", data=form, headers=headers
        ) as answer:
            tokens: dict[str, Any] = await answer.json()
        if "access_token" not in tokens:
            return None
        headers = {hdrs.AUTHORIZATION: f"Bearer {tokens['access_token']}"}
        async with self._session.get(f"{self._url}/oauth2/userInfo", headers=headers) as answer:
            user: dict[str, Any] = await answer.json()
        return Person(user["sub"], user["username"], tokens["access_token"])


def _callback(request: web.Request) -> str:
    return f"http://{request.host}{CALLBACK_PATH}"


def _redirect(url: str) -> web.Response:
    return web.Response(status=HTTPStatus.FOUND, headers={hdrs.LOCATION: url})
