"""The settings of sign-in at the domain of the user pool."""

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields

from service.config.fields import Section, Words, setting

HOST: Final = re.compile(r"(?!-)[a-z0-9.-]{1,253}|\[[0-9a-f:.]+\]")
# Of Cognito: https, http of this machine, or the scheme of an app; no fragment.
REDIRECT_URI: Final = (
    r"https://[^\s#/?\\@]+([/?][^\s#\\]*)?"
    r"|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?([/?][^\s#\\]*)?"
    r"|(?!(https?|javascript|data|vbscript|file|blob):)[a-z][a-z0-9+.-]*://[^\s#\\]*"
)
# The token endpoint issues no id token without it.
OPENID: Final = "openid"


class Origin(fields.Field[str]):
    """An http(s) URL without a path; a host name alone is one of https."""

    problem = "Not a host name, or a URL without a path."

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:  # noqa: ANN401 -- marshmallow's hook
        given = str(value)
        try:
            url = urlsplit(given if "://" in given else f"https://{given}")
            port = url.port
        except ValueError:
            raise ValidationError(self.problem) from None
        authority = url.netloc.lower()
        host = authority.removesuffix(f":{port}")
        if (
            url.scheme not in ("http", "https")
            or port == 0
            or url.path not in ("", "/")
            or url.query
            or url.fragment
            or not HOST.fullmatch(host)
        ):
            raise ValidationError(self.problem)
        return f"{url.scheme}://{authority}"


@dataclass(frozen=True, slots=True)
class FederationConfig(Section):
    """Sign-in on the pages of the user pool's domain, with Google, Apple, SAML and other providers."""

    section: ClassVar[str] = "federation"

    domain: str | None = setting(
        Origin(),
        "",
        "The domain of the user pool, as a host name or URL. Empty: federated sign-in is not offered.",
        example="https://example.auth.ap-south-1.amazoncognito.com",
    )
    endpoint_url: str | None = setting(
        Origin(),
        "",
        "Where the service reaches the domain's token endpoint, if not there, such as a local AWS in a "
        "network of containers.",
        example="http://local-aws:5000",
    )
    providers: tuple[str, ...] = setting(
        Words(pattern=r"[^\s,]{1,32}"),
        "",
        "The identity providers that a page may choose, with their names in the user pool; COGNITO is "
        "the pool's own sign-in page. Without a choice, users choose on that page.",
        example="Google SignInWithApple",
    )
    redirect_uris: tuple[str, ...] = setting(
        Words(pattern=REDIRECT_URI),
        "",
        "The URLs to which users may return after signing in or out. They must be callback and sign-out "
        "URLs of the app client: https, http of localhost, or the scheme of an app.",
        example="https://app.example.com/signed-in",
    )
    scopes: tuple[str, ...] = setting(
        Words(pattern=r"[\x21\x23-\x5b\x5d-\x7e]{1,256}", least=1),
        "openid email profile aws.cognito.signin.user.admin",
        "The scopes of the tokens. openid is required; without aws.cognito.signin.user.admin, Cognito "
        "refuses the calls of signed-in users.",
    )

    @property
    def token_endpoint_origin(self) -> str | None:
        """The URL without path of the token endpoint, None without a domain."""
        return self.domain and (self.endpoint_url or self.domain)
