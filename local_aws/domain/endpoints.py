"""The WSGI application of the domain, which shares its address with the API of Cognito."""

import json
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from moto.cognitoidp.models import CognitoIdpUserPool as Pool
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from local_aws.cognito import signing_keys
from local_aws.cognito.directory import find_pool
from local_aws.cognito.errors import ResourceNotFoundException
from local_aws.cognito.state import Cognito
from local_aws.domain import pages
from local_aws.domain.authorization import PageError, RedirectError, has_domain
from local_aws.domain.sign_in import (
    AUTHORIZE_PATH,
    LOGIN_PATH,
    PROVIDER_PATH,
    SignInPages,
    with_parameters,
)
from local_aws.domain.state import DomainState
from local_aws.domain.token_endpoint import TokenEndpoint

if TYPE_CHECKING:  # _typeshed exists for type checkers only
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

OF_POOL = re.compile(r"/([^/]+)/\.well-known/(openid-configuration|jwks\.json)")


class Domain:
    """Serves the domain of every pool that has one; a request names its pool by the app client."""

    def __init__(self, cognito: Cognito) -> None:
        state = DomainState(cognito)
        self._cognito = cognito
        sign_in, tokens = SignInPages(state), TokenEndpoint(state)
        self._handlers: dict[str, tuple[frozenset[str], Callable[[Request], Response]]] = {
            AUTHORIZE_PATH: (frozenset({"GET"}), sign_in.authorize),
            LOGIN_PATH: (frozenset({"GET", "POST"}), sign_in.login),
            PROVIDER_PATH: (frozenset({"GET", "POST"}), sign_in.provider),
            "/logout": (frozenset({"GET"}), sign_in.logout),
            "/oauth2/token": (frozenset({"POST"}), tokens.token),
            "/oauth2/userInfo": (frozenset({"GET", "POST"}), tokens.user_info),
        }

    def handles(self, path: str) -> bool:
        """Return whether the path is one of the domain's, or a pool's configuration or key set."""
        return path in self._handlers or OF_POOL.fullmatch(path) is not None

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer as a WSGI application."""
        request = Request(environ)
        return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        of_pool = OF_POOL.fullmatch(request.path)
        if of_pool is not None:
            return self._of_pool(request, *of_pool.groups())
        methods, handler = self._handlers[request.path]
        if request.method not in methods:
            return Response(status=405, headers={"Allow": ", ".join(sorted(methods))})
        try:
            return handler(request)
        except PageError as error:
            return pages.page("An error was encountered", "", status=400, error=str(error))
        except RedirectError as error:
            return redirect(with_parameters(error.redirect_uri, error.parameters))

    def _of_pool(self, request: Request, pool_id: str, document: str) -> Response:
        """Return a document of a pool, which pages of any origin may read."""
        content: dict[str, object]
        status = 200
        try:
            pool = find_pool(pool_id)
        except ResourceNotFoundException as unknown:
            content, status = {"message": unknown.message}, 404
        else:
            if document == "jwks.json":
                content = signing_keys.key_set(self._cognito, pool)
            else:
                content = _configuration(request, pool, self._cognito.issuer(pool))
        return Response(
            json.dumps(content),
            status=status,
            content_type="application/json",
            headers={"Access-Control-Allow-Origin": "*"},
        )


def _configuration(request: Request, pool: Pool, issuer: str) -> dict[str, object]:
    """Return the OpenID configuration of a pool; its endpoints are at the domain, if it has one."""
    own = request.host_url.rstrip("/")
    content: dict[str, object] = {
        "id_token_signing_alg_values_supported": ["RS256"],
        "issuer": issuer,
        "jwks_uri": f"{own}/{pool.id}/.well-known/jwks.json",
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    }
    if has_domain(pool):
        content |= {
            "authorization_endpoint": f"{own}{AUTHORIZE_PATH}",
            "end_session_endpoint": f"{own}/logout",
            "token_endpoint": f"{own}/oauth2/token",
            "userinfo_endpoint": f"{own}/oauth2/userInfo",
        }
    return content
