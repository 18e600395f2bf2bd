"""The settings of authentication, of the HTTP server and of CORS."""

from dataclasses import dataclass
from typing import ClassVar

from service.config.address_fields import Hosts, Origins, Url, Urls
from service.config.aws_settings import CLIENT_ID
from service.config.fields import Network, Networks, Section, Words, integer, number, setting, text

LOOPBACK = "127.0.0.0/8 ::1/128"
PRIVATE_NETWORKS = (
    f"{LOOPBACK} 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7"  # RFC 1918, RFC 4193
)
SECONDS = number(0.001, 300)
# A name, an IPv4 address, or an IPv6 address in brackets; no port.
HOST = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]"
# A field name (RFC 9110, section 5.6.2), but no wildcard, and none that names the user.
HEADER = r"(?!(?i:x[-_]amzn[-_]oidc))(?!\*)[!#$%&'*+.^_`|~0-9A-Za-z-]+"
ALB_ARN = r"arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:\d{12}:loadbalancer/app/[\w-]+/\w+"


@dataclass(frozen=True, slots=True)
class IdentityConfig(Section):
    """How callers are authenticated."""

    section: ClassVar[str] = "identity"

    sources: tuple[str, ...] = setting(
        Words("alb", "bearer", "header", least=1),
        "bearer header",
        "What identifies a caller, in order. alb: the token that a load balancer signs, "
        "x-amzn-oidc-data. bearer: a Cognito access token. header: x-amzn-oidc-identity, which proves "
        "nothing. Behind a load balancer that authenticates users, use: alb bearer.",
    )
    header_peers: tuple[Network, ...] = setting(
        Networks(),
        LOOPBACK,
        "The networks whose peers are believed when they send x-amzn-oidc-identity: any of them can act "
        "as any user. Behind a load balancer every peer is in a private network, and behind a proxy on "
        "the same host every peer is loopback: leave header out of sources there.",
    )
    bearer_client_ids: tuple[str, ...] = setting(
        Words(pattern=CLIENT_ID),
        "",
        "The app clients of the user pool whose access tokens are accepted, such as those of a web page, "
        "of a mobile app and of the hosted sign-in pages. Empty: client-id of [aws.cognito], which must "
        "be listed too if users log in here. A refresh token belongs to the client that issued it.",
        example="1example23456789abcdefghij 2example3456789abcdefghijk",
    )
    alb_arn: tuple[str, ...] = setting(
        Words(pattern=ALB_ARN),
        "",
        "The ARNs of the load balancers whose tokens are accepted. The source alb needs at least one.",
        example="arn:aws:elasticloadbalancing:ap-south-1:123456789012:loadbalancer/app/my-alb/0123456789abcdef",
    )
    alb_client_id: str | None = setting(
        text(CLIENT_ID, "the id of an app client"),
        "",
        "The id of the app client with which the load balancer authenticates users; it must have a "
        "secret. Empty: client-id of [aws.cognito].",
        example="1example23456789abcdefghij",
    )
    alb_issuer: tuple[str, ...] = setting(
        Urls(),
        "",
        "The issuers that a load balancer's token may name. Empty: the user pool's.",
        example="https://cognito-idp.ap-south-1.amazonaws.com/ap-south-1_AbCdEfGhI",
    )
    alb_key_url: str | None = setting(
        Url(),
        "",
        "The URL of the load balancers' public keys, to which the key id is appended. Empty: AWS's, in "
        "the region of the ARN.",
        example="http://localhost:8000/keys/",
    )
    clock_skew_s: float = setting(
        number(0, 60),
        "5",
        "Seconds by which a token may seem to be issued in the future. Expiry is exact.",
    )
    verified_token_cache_size: int = setting(
        integer(0, 1_000_000),
        "10000",
        "The number of verified tokens that are cached until they expire, for each of alb and bearer.",
    )


@dataclass(frozen=True, slots=True)
class ServerConfig(Section):
    """The HTTP server."""

    section: ClassVar[str] = "server"

    host: tuple[str, ...] = setting(
        Hosts(),
        "0.0.0.0",  # noqa: S104 -- a container is reached from outside it
        "The addresses to listen on, or names of the machine. 0.0.0.0: all of IPv4. ::: all of IPv6 and "
        "IPv4.",
    )
    port: int = setting(integer(0, 65_535), "8080", "The port to listen on. 0: a free one.")
    allowed_hosts: tuple[str, ...] = setting(
        Words(pattern=HOST),
        "",
        "The host names of the service, without ports; a request for another one is refused (400), but "
        "for health checks. Empty: any. Set it where a browser can reach the service directly, as on a "
        "laptop: it prevents DNS rebinding.",
        example="localhost api.example.com",
    )
    trusted_proxies: tuple[Network, ...] = setting(
        Networks(),
        PRIVATE_NETWORKS,
        "The networks of the proxies that are believed when they send X-Forwarded-For.",
    )
    proxy_hops: int = setting(
        integer(0, 10),
        "1",
        "The number of proxies that append an address to X-Forwarded-For, as a load balancer does: the "
        "client's is that many from the right. 0: the header is ignored.",
    )
    workers: int = setting(
        integer(1, 256),
        "1",
        "The number of processes that listen on the port: one for each processor of the container.",
    )
    metrics_port: int = setting(
        integer(0, 65_535),
        "0",
        "The port of the Prometheus metrics (/metrics), at the same address; each further worker takes "
        "the next port. It must not be reachable from outside. 0: no metrics.",
    )
    max_body_bytes: int = setting(
        integer(1_024, 10_485_760),
        "262144",
        "Bytes of the largest request body, both as sent and decompressed.",
    )
    max_in_flight: int = setting(
        integer(1, 100_000),
        "512",
        "The number of requests served at once that need Cognito, as many that need DynamoDB, and as "
        "many that need neither; further ones are refused (503). Health checks do not count.",
    )
    max_connections: int = setting(
        integer(1, 1_000_000),
        "2000",
        "The number of open connections of a process; a further one gets 503 and is closed.",
    )
    request_deadline_s: float = setting(SECONDS, "8", "Seconds that a request may take in all.")
    header_timeout_s: float = setting(SECONDS, "10", "Seconds to receive a request's header.")
    body_timeout_s: float = setting(
        SECONDS,
        "7",
        "Seconds to receive a request's body, or 408. Less than request-deadline-s, so that a slow "
        "client does not get 504.",
    )
    write_timeout_s: float = setting(
        SECONDS,
        "6",
        "Seconds in which a client must read a response, or each 64 KB of a longer one; then its "
        "connection is reset.",
    )
    keep_alive_s: float = setting(
        number(0.001, 4_000),
        "75",
        "Seconds that an idle connection is kept: more than balancer-idle-s, or the load balancer sends "
        "requests on connections that are being closed.",
    )
    balancer_idle_s: float = setting(
        number(0, 4_000),
        "60",
        "Seconds until the load balancer closes an idle connection: 60 by default at an ALB.",
    )
    drain_s: float = setting(
        number(0, 300),
        "8",
        "Seconds between the signal to stop and the last new connection: readiness is 503 by then, and "
        "each response closes its connection. Less than 10, after which `docker stop` kills; with "
        "request-deadline-s less than the stop timeout of ECS (30).",
    )
    readiness_interval_s: float = setting(
        SECONDS, "2", "Seconds between two checks of what /health/ready reports."
    )


@dataclass(frozen=True, slots=True)
class CorsConfig(Section):
    """Cross-origin requests of browsers."""

    section: ClassVar[str] = "cors"

    allowed_origins: tuple[str, ...] = setting(
        Origins(),
        "",
        "The origins whose pages may call the service from a browser.",
        example="https://app.example.com http://localhost:3000",
    )
    allowed_headers: tuple[str, ...] = setting(
        Words(pattern=HEADER),
        "",
        "Request headers that these pages may send beside those that this service reads and that HTTP "
        "clients and tracing SDKs add.",
        example="x-tenant x-app-version",
    )
