"""The values that each setting takes and refuses."""

import dataclasses
from ipaddress import ip_network
from typing import Any

import pytest

from service.config import loader
from service.config.settings import SECTIONS, Config, definitions, environment_name
from service.startup_errors import ConfigurationUnusable

REQUIRED = {
    ("aws", "region"): "ap-south-1",
    ("aws.cognito", "user-pool-id"): "ap-south-1_Ab1",
    ("aws.cognito", "client-id"): "1a2b3c",
}
SECRET = "s3cr3t-%(x)s-\u00fc"  # noqa: S105 -- of nobody
ARN = "arn:aws:elasticloadbalancing:ap-south-1:123456789012:loadbalancer/app/front/50dc6c495c0c9188"
ALB_CLIENT = ("identity", "alb-client-id", "of-the-load-balancer")
SETTINGS = {(section.section, key) for section in SECTIONS.values() for key in definitions(section)}
RATES = (
    "sign-in-per-s", "sign-up-per-s", "recovery-per-s", "token-per-s", "read-per-s", "update-per-s",
    "address-per-s", "account-per-min",
)  # fmt: skip
COUNTS = {
    "address-burst": 100_000, "account-burst": 100_000, "confirm-per-h": 1_000, "resend-per-h": 1_000,
    "forgot-per-h": 1_000, "reset-per-h": 1_000, "sign-in-code-per-h": 1_000, "recipient-per-h": 1_000,
    "export-per-h": 1_000, "lockout-after": 100, "accounts-tracked": 10_000_000,
}  # fmt: skip

RIGHT: list[tuple[str, str, str, object]] = [
    ("aws", "region", "ap-south-1", "ap-south-1"),
    ("aws.cognito", "user-pool-id", "local_local", "local_local"),
    ("aws.cognito", "client-id", "a" * 128, "a" * 128),
    ("aws.cognito", "client-secret", SECRET, SECRET),
    ("aws.cognito", "client-secret", "%d%%", "%d%%"),
    ("aws.cognito", "endpoint-url", "http://moto:5000", "http://moto:5000"),
    ("aws.cognito", "connect-timeout-s", "0.001", 0.001),
    ("aws.cognito", "read-timeout-s", "60", 60.0),
    ("aws.cognito", "send-client-address", "false", False),
    ("aws.dynamodb", "user-profile-table", "a_b.C-3", "a_b.C-3"),
    ("aws.dynamodb", "endpoint-url", "https://localhost:8000/", "https://localhost:8000/"),
    ("aws.dynamodb", "consistent-read", "false", False),
    ("aws.dynamodb", "batched-reads", "0", 0),
    ("aws.dynamodb", "batched-reads", "100", 100),
    ("aws.dynamodb", "sort-key-cache-size", "0", 0),
    ("aws.dynamodb", "sort-key-cache-size", "10000000", 10_000_000),
    ("aws.dynamodb", "transport", "botocore", "botocore"),
    ("aws.dynamodb", "connect-timeout-s", "60", 60.0),
    ("aws.dynamodb", "read-timeout-s", ".5", 0.5),
    ("aws.cognito", "issuers", "https://a.example/p\n http://b", (
        "https://a.example/p", "http://b",
    )),
    ("aws.cognito", "jwks-url", "https://keys.example/k.json", "https://keys.example/k.json"),
    ("upstreams", "breaker-failures", "0", 0),
    ("upstreams", "breaker-failures", "10000", 10_000),
    ("upstreams", "breaker-open-s", "60", 60.0),
    ("identity", "sources", "bearer header", ("bearer", "header")),
    ("identity", "alb-arn", f"{ARN} {ARN}1", (ARN, f"{ARN}1")),
    ("identity", "alb-client-id", "1a2b3c", "1a2b3c"),
    ("identity", "bearer-client-ids", " 1a2b3c\n 4d5e6f ", ("1a2b3c", "4d5e6f")),
    ("identity", "bearer-client-ids", "  ", ()),
    ("identity", "alb-issuer", "https://a.example", ("https://a.example",)),
    ("federation", "domain", "x.auth.eu-1.example", "https://x.auth.eu-1.example"),
    ("federation", "domain", "https://Login.Example.com/", "https://login.example.com"),
    ("federation", "domain", "login.example.com:8443", "https://login.example.com:8443"),
    ("federation", "domain", "http://127.0.0.1:5000", "http://127.0.0.1:5000"),
    ("federation", "domain", "http://[::1]:5000", "http://[::1]:5000"),
    ("federation", "domain", "https://[::1]", "https://[::1]"),
    ("federation", "endpoint-url", "http://local-aws:5000/", "http://local-aws:5000"),
    ("federation", "providers", "Google COGNITO", ("Google", "COGNITO")),
    ("federation", "redirect-uris", "https://a.example/in?x=1 http://localhost:3000 my.app://in", (
        "https://a.example/in?x=1", "http://localhost:3000", "my.app://in",
    )),
    ("federation", "scopes", "api/read openid", ("api/read", "openid")),
    ("identity", "alb-key-url", "http://keys:8000", "http://keys:8000"),
    ("identity", "clock-skew-s", "0", 0.0),
    ("identity", "clock-skew-s", "60", 60.0),
    ("identity", "verified-token-cache-size", "0", 0),
    ("identity", "verified-token-cache-size", "1000000", 1_000_000),
    ("server", "trusted-proxies", "10.0.0.0/8\n  ::1", (
        ip_network("10.0.0.0/8"), ip_network("::1/128"),
    )),
    ("server", "trusted-proxies", "", ()),
    ("identity", "header-peers", "", ()),
    ("identity", "header-peers", "10.1.2.3 ::1/128", (
        ip_network("10.1.2.3/32"), ip_network("::1/128"),
    )),
    ("limits", "tasks", "1", 1),
    ("limits", "tasks", "1000", 1_000),
    ("server", "proxy-hops", "0", 0),
    ("server", "proxy-hops", "10", 10),
    ("server", "host", "::1", ("::1",)),
    ("server", "host", "0.0.0.0 [::1]", ("0.0.0.0", "::1")),  # noqa: S104 -- compared
    ("server", "host", "0.0.0.0, ::", ("0.0.0.0", "::")),  # noqa: S104 -- compared
    ("server", "host", "localhost web-1.example. 0:0::1 ::1", ("localhost", "web-1.example.", "::1")),
    ("server", "host", "fe80::1%eth0", ("fe80::1%eth0",)),
    ("server", "host", "::ffff:127.0.0.1 127.0.0.1", ("127.0.0.1",)),
    ("server", "port", "0", 0),
    ("server", "port", "65535", 65_535),
    ("server", "allowed-hosts", "localhost API.example.com 10.0.0.1 [::1] api_1", (
        "localhost",
        "API.example.com",
        "10.0.0.1",
        "[::1]",
        "api_1",
    )),
    ("server", "workers", "1", 1),
    ("server", "workers", "256", 256),
    ("server", "metrics-port", "0", 0),
    ("server", "metrics-port", "65535", 65_535),
    ("server", "max-body-bytes", "1024", 1_024),
    ("server", "max-body-bytes", "10485760", 10_485_760),
    ("server", "max-in-flight", "1", 1),
    ("server", "max-in-flight", "100000", 100_000),
    ("server", "max-connections", "1", 1),
    ("server", "max-connections", "1000000", 1_000_000),
    ("server", "request-deadline-s", "300", 300.0),
    ("server", "header-timeout-s", "0.1", 0.1),
    ("server", "body-timeout-s", "300", 300.0),
    ("server", "write-timeout-s", "0.5", 0.5),
    ("server", "keep-alive-s", "60.1", 60.1),
    ("server", "balancer-idle-s", "0", 0.0),
    ("server", "drain-s", "0", 0.0),
    ("server", "drain-s", "300", 300.0),
    ("server", "readiness-interval-s", "0.001", 0.001),
    ("cors", "allowed-headers", "x-tenant X_b", ("x-tenant", "X_b")),
    ("cors", "allowed-origins", "https://[::1]:8443 https://a.example:80", (
        "https://[::1]:8443", "https://a.example:80",
    )),
    ("cors", "allowed-origins", "https://app.example http://localhost:3000", (
        "https://app.example", "http://localhost:3000",
    )),
    ("auth", "writable-attributes", "name\n\temail", ("name", "email")),
    ("auth", "writable-attributes", " ", ()),
    ("auth", "uniform-signup", "true", True),
    ("auth", "answer-floor-ms", "0", 0),
    ("auth", "answer-floor-ms", "10000", 10_000),
    ("auth", "trigger-messages", "true", True),
    ("auth", "client-metadata", "locale app:Version-1.0", ("locale", "app:Version-1.0")),
    ("auth", "client-metadata", "", ()),
    ("auth", "totp-issuer", "Our App\u00ae 100%", "Our App\u00ae 100%"),
    ("auth", "totp-issuer", "a" * 64, "a" * 64),
    ("auth", "refresh-cookie", "True", "true"),
    ("auth", "refresh-cookie", "1", "true"),
    ("auth", "refresh-cookie", "off", "false"),
    ("auth", "refresh-cookie", "browsers", "browsers"),
    ("auth", "refresh-cookie-max-age-s", "60", 60),
    ("auth", "refresh-cookie-max-age-s", "315360000", 315_360_000),
    ("auth-config", "sign-up", "false", False),
    ("auth-config", "flows", "USER_AUTH USER_PASSWORD_AUTH", ("USER_AUTH", "USER_PASSWORD_AUTH")),
    ("auth-config", "first-factors", "PASSWORD EMAIL_OTP SMS_OTP WEB_AUTHN", (
        "PASSWORD", "EMAIL_OTP", "SMS_OTP", "WEB_AUTHN",
    )),
    ("auth-config", "first-factors", "", ()),
    ("auth-config", "mfa", "SMS_MFA EMAIL_OTP SOFTWARE_TOKEN_MFA", (
        "SMS_MFA", "EMAIL_OTP", "SOFTWARE_TOKEN_MFA",
    )),
    ("auth-config", "mfa", "", ()),
    ("auth-config", "passkeys", "true", True),
    ("auth-config", "passkey-relying-party-id", "example.com", "example.com"),
    ("auth-config", "passkey-user-verification", "required", "required"),
    ("auth-config", "sessions", "true", True),
    ("auth-config", "password-min-length", "6", 6),
    ("auth-config", "password-min-length", "99", 99),
    ("auth-config", "password-requires", "symbols digits", ("symbols", "digits")),
    ("auth-config", "password-requires", "", ()),
    *(("limits", key, text, value) for key in RATES for text, value in (
        ("0", 0.0), ("0.5", 0.5), ("100000", 100_000.0),
    )),
    *(("limits", key, text, int(text)) for key, most in COUNTS.items() for text in (
        "1", str(most),
    )),
    *(("limits", key, "0", 0) for key in COUNTS if key != "accounts-tracked"),
    ("limits", "burst-s", "1", 1.0),
    ("limits", "burst-s", "60", 60.0),
    ("profile", "schema", "our_app.v2:Schema2", "our_app.v2:Schema2"),
    ("profile", "history-days", "0", 0),
    ("profile", "history-days", "3650", 3_650),
    ("activity", "days", "0", 0),
    ("activity", "days", "3650", 3_650),
    ("log", "level", "debug", "debug"),
    ("log", "level", "INFO", "info"),
    ("log", "level", "Warn", "warning"),
    ("log", "format", "JSON", "json"),
    ("aws.cognito", "client-secret", f"{SECRET}\r\n", SECRET),
    ("aws.dynamodb", "consistent-read", "fALSE", False),
    ("auth", "uniform-signup", "TRUE", True),
    ("auth", "writable-attributes", "custom:tier", ("custom:tier",)),
    ("auth-config", "flows", "user_auth", ("USER_AUTH",)),
    ("identity", "sources", "Bearer HEADER", ("bearer", "header")),
    ("cors", "allowed-origins", "capacitor://localhost Tauri://Localhost", (
        "capacitor://localhost", "tauri://localhost",
    )),
    ("cors", "allowed-origins", "HTTPS://App.Example:443 http://a.example:443", (
        "https://app.example", "http://a.example:443",
    )),
    ("log", "format", "console", "console"),
    ("log", "identities", "plain", "plain"),
    ("log", "hash-key", "%" * 16, "%" * 16),
    ("services", "clients", "3example4567890abcdefghijkl other", (
        "3example4567890abcdefghijkl", "other",
    )),
    ("services", "resource-server", "https://profiles.example/", "https://profiles.example/"),
    ("services", "resource-server", "p" * 256, "p" * 256),
    ("services", "client-burst", "0", 0),
    ("services", "client-per-s", "0.5", 0.5),
    ("tracing", "otlp-endpoint", "http://localhost:4318", "http://localhost:4318"),
    ("tracing", "sample-ratio", "0", 0.0),
    ("tracing", "sample-ratio", "1", 1.0),
]  # fmt: skip
WRONG: list[tuple[str, str, str, str]] = [
    ("aws", "region", "Mumbai", "Not the "),
    ("aws", "region", "ap-south-1a", "Not the "),
    ("aws.cognito", "user-pool-id", "ap-south-1:0f8fad5b-d9cb-469f-a165-70867728950e", "Not the "),
    ("aws.cognito", "user-pool-id", "arn:aws:cognito-idp:ap-south-1:1:userpool/x", "Not the "),
    ("aws.cognito", "user-pool-id", "ap_south_1_Ab1", "Not the "),
    ("aws.cognito", "user-pool-id", "ap-south-2_Ab1", "The pool is in ap-south-2"),
    ("aws.cognito", "user-pool-id", "AP-SOUTH-1_Ab1", "The pool is in AP-SOUTH-1"),
    ("aws.cognito", "user-pool-id", "ap-south-1_" + "a" * 45, "Not the "),
    ("aws.cognito", "client-id", "<client-id>", "It holds a placeholder"),
    ("aws.cognito", "client-id", "arn:aws:x", "Not the "),
    ("aws.cognito", "client-id", "\u0661", "Not the "),
    ("aws.cognito", "client-secret", "a b", "Not the secret of an app client"),
    ("identity", "alb-client-id", "a/b", "Not the id of an app client"),
    ("aws.cognito", "issuers", "https://", "is not of the right form"),
    ("aws.cognito", "jwks-url", "https://a.example/\tk.json", "Not a URL"),
    ("cors", "allowed-origins", "https://u@app.example", "is not of the right form"),
    ("cors", "allowed-origins", "https://app.example:99999", "is not of the right form"),
    ("cors", "allowed-origins", "https://app.example:", "is not of the right form"),
    ("cors", "allowed-origins", "https://app.example:0443", "is not of the right form"),
    ("cors", "allowed-origins", "https://app.example;", "is not of the right form"),
    ("cors", "allowed-origins", "file://", "is not of the right form"),
    ("aws.cognito", "endpoint-url", "http://a:1,http://b:2", "Not a URL"),
    ("aws.cognito", "endpoint-url", "http://a:1#b", "Not a URL"),
    ("cors", "allowed-origins", "https://app.example?x", "is not of the right form"),
    ("cors", "allowed-origins", "https://*.example", "is not of the right form"),
    ("cors", "allowed-origins", "https://b\u00fccher.example", "is not of the right form"),
    ("cors", "allowed-origins", "https://a.example https://A.example:443", "twice"),
    ("auth", "writable-attributes", "name emial", "'emial' is not of the right form"),
    ("aws", "region", "ap-south-1\nx", "Not the "),
    ("aws.cognito", "user-pool-id", "pool", "Not the "),
    ("aws.cognito", "user-pool-id", "a_b c", "Not the "),
    ("aws.cognito", "client-id", "a" * 129, "Not the "),
    ("aws.cognito", "endpoint-url", "moto:5000", "Not a URL"),
    ("aws.cognito", "endpoint-url", "ftp://moto", "Not a URL"),
    ("aws.cognito", "client-id", "a b", "Not the "),
    ("aws.cognito", "issuers", "https://a.example b.example", "'b.example' is not of the right form"),
    ("aws.cognito", "jwks-url", "keys.json", "Not a URL"),
    ("aws.cognito", "connect-timeout-s", "0", "0.001"),
    ("aws.cognito", "connect-timeout-s", "61", "60"),
    ("aws.cognito", "read-timeout-s", "soon", "number"),
    ("aws.cognito", "read-timeout-s", "nan", "nan"),
    ("aws.cognito", "send-client-address", "perhaps", "boolean"),
    ("aws.dynamodb", "user-profile-table", "ab", "Not the "),
    ("aws.dynamodb", "user-profile-table", "a/b/c", "Not the "),
    ("aws.dynamodb", "endpoint-url", "http://", "Not a URL"),
    ("aws.dynamodb", "endpoint-url", "http://localhost:99999", "Not a URL"),
    ("aws.dynamodb", "endpoint-url", "http://user:secret@localhost", "Not a URL"),
    ("aws.dynamodb", "endpoint-url", "http://local host", "Not a URL"),
    ("aws.dynamodb", "consistent-read", "perhaps", "boolean"),
    ("aws.dynamodb", "batched-reads", "-1", "0"),
    ("aws.dynamodb", "batched-reads", "101", "100"),
    ("aws.dynamodb", "sort-key-cache-size", "-1", "0"),
    ("aws.dynamodb", "sort-key-cache-size", "10000001", "10000000"),
    ("aws.dynamodb", "transport", "slow", "fast, botocore"),
    ("aws.dynamodb", "connect-timeout-s", "-1", "0.001"),
    ("aws.dynamodb", "read-timeout-s", "60.1", "60"),
    ("upstreams", "breaker-failures", "-1", "0"),
    ("upstreams", "breaker-failures", "10001", "10000"),
    ("upstreams", "breaker-open-s", "0", "0.001"),
    ("upstreams", "breaker-open-s", "61", "60"),
    ("identity", "sources", "", "At least one"),
    ("identity", "sources", "header headers", "'headers' is not one of alb bearer header"),
    ("identity", "sources", "header header", "twice"),
    ("identity", "alb-arn", ARN[:-3] + "/x", "is not of the right form"),
    ("identity", "alb-arn", ARN.replace("/app/", "/net/"), "is not of the right form"),
    ("identity", "alb-arn", f"{ARN} {ARN}", "twice"),
    ("identity", "alb-issuer", "issuer", "is not of the right form"),
    ("identity", "bearer-client-ids", "1a2b3c,4d5e6f", "by blanks, not by commas. Example: 1example"),
    ("identity", "bearer-client-ids", "1a2b3c, ,4d5e6f", "by blanks"),
    ("identity", "bearer-client-ids", '"1a2b3c"', "without quotes around it. Example: 1example"),
    ("identity", "bearer-client-ids", "ap-south-1_Ab1", "is not of the right form"),
    ("identity", "bearer-client-ids", "[1a2b3c]", "is not of the right form"),
    ("identity", "bearer-client-ids", "1a2b3c 1a2b3c", "twice"),
    ("identity", "bearer-client-ids", "a" * 129, "is not of the right form"),
    ("federation", "domain", "https://a.example/login", "without a path"),
    ("federation", "domain", "https://a.example?x", "without a path"),
    ("federation", "domain", "https://user@a.example", "without a path"),
    ("federation", "domain", "https://a.example:port", "without a path"),
    ("federation", "domain", "https://a.example:99999", "without a path"),
    ("federation", "domain", "ftp://a.example", "without a path"),
    ("federation", "domain", "a b.example", "without a path"),
    ("federation", "domain", "https://", "without a path"),
    ("federation", "domain", "http://[::1", "without a path"),
    ("federation", "endpoint-url", "http://local-aws:5000/token", "without a path"),
    ("federation", "providers", "Google,Facebook", "by blanks"),
    ("federation", "redirect-uris", "http://a.example/in", "is not of the right form"),
    ("federation", "redirect-uris", "http://localhost.a.example/", "is not of the right form"),
    ("federation", "redirect-uris", "http://localhost@a.example/", "is not of the right form"),
    ("federation", "redirect-uris", "https://a.example/#in", "is not of the right form"),
    ("federation", "redirect-uris", "https://u@a.example/", "is not of the right form"),
    ("federation", "redirect-uris", "javascript://a.example/", "is not of the right form"),
    ("federation", "redirect-uris", "/in", "is not of the right form"),
    ("federation", "scopes", "email", "openid"),
    ("federation", "scopes", 'openid "x"', "is not of the right form"),
    ("identity", "alb-key-url", "keys", "Not a URL"),
    ("identity", "clock-skew-s", "-0.1", "0"),
    ("identity", "clock-skew-s", "61", "60"),
    ("identity", "verified-token-cache-size", "-1", "0"),
    ("identity", "verified-token-cache-size", "1000001", "1000000"),
    ("server", "proxy-hops", "-1", "0"),
    ("server", "proxy-hops", "11", "10"),
    ("identity", "header-peers", "10.0.0.1/8", "10.0.0.1/8 has host bits set"),
    ("limits", "tasks", "0", "1"),
    ("limits", "tasks", "1001", "1000"),
    ("server", "trusted-proxies", "10.0.0.1/8", "10.0.0.1/8 has host bits set"),
    ("server", "trusted-proxies", "home", "Example: 127.0.0.0/8"),
    ("server", "port", "-1", "0"),
    ("server", "host", "http://0.0.0.0", "neither an IP address nor a host name. Example: 0.0.0.0"),
    ("server", "host", "0.0.0.0:8080", "neither an IP address nor a host name"),
    ("server", "host", "10.0.0.256", "neither an IP address nor a host name"),
    ("server", "host", ":: *", "'*' is neither"),
    ("server", "host", "fe80::1", "'fe80::1' needs its interface: fe80::1%eth0."),
    ("server", "host", "[::1", "neither an IP address nor a host name"),
    ("server", "allowed-hosts", "localhost:8080", "is not of the right form"),
    ("server", "allowed-hosts", "http://localhost", "is not of the right form"),
    ("server", "allowed-hosts", "*", "is not of the right form"),
    ("server", "allowed-hosts", ".example.com", "is not of the right form"),
    ("server", "allowed-hosts", "::1", "is not of the right form"),
    ("server", "allowed-hosts", "a a", "twice"),
    ("server", "workers", "0", "1"),
    ("server", "max-connections", "0", "1"),
    ("server", "header-timeout-s", "0", "0.001"),
    ("server", "body-timeout-s", "301", "300"),
    ("server", "write-timeout-s", "0", "0.001"),
    ("server", "keep-alive-s", "60", "balancer-idle-s"),
    ("server", "balancer-idle-s", "4001", "4000"),
    ("server", "drain-s", "-1", "0"),
    ("server", "workers", "257", "256"),
    ("server", "port", "65536", "65535"),
    ("server", "metrics-port", "-1", "0"),
    ("server", "metrics-port", "65536", "65535"),
    ("server", "metrics-port", "8080", "here 8080 to 8080"),
    ("server", "port", "80.5", "integer"),
    ("server", "port", "8080 # the port", "integer"),
    ("server", "max-body-bytes", "1023", "1024"),
    ("server", "max-body-bytes", "10485761", "10485760"),
    ("server", "max-in-flight", "0", "1"),
    ("server", "max-in-flight", "100001", "100000"),
    ("server", "request-deadline-s", "inf", "inf"),
    ("server", "request-deadline-s", "301", "300"),
    ("server", "readiness-interval-s", "0", "0.001"),
    ("cors", "allowed-origins", "*", "is not of the right form"),
    ("cors", "allowed-origins", "https://app.example/", "is not of the right form"),
    ("cors", "allowed-origins", "app.example", "is not of the right form"),
    ("cors", "allowed-headers", "*", "'*' is not of the right form. Example: x-tenant"),
    ("cors", "allowed-headers", "x-a,x-b", "by blanks"),
    ("cors", "allowed-headers", "x-a:", "is not of the right form"),
    ("cors", "allowed-headers", "X-Amzn-Oidc-Identity", "is not of the right form"),
    ("cors", "allowed-headers", "x_amzn_oidc_data", "is not of the right form"),
    ("auth", "writable-attributes", "name name", "twice"),
    ("auth", "uniform-signup", "perhaps", "boolean"),
    ("auth", "trigger-messages", "sometimes", "boolean"),
    ("auth", "answer-floor-ms", "-1", "0"),
    ("auth", "answer-floor-ms", "10001", "10000"),
    ("auth", "answer-floor-ms", "0.5", "integer"),
    ("auth", "client-metadata", "a,b", "commas"),
    ("auth", "client-metadata", "a" * 51, "of the right form"),
    ("auth", "client-metadata", "locale locale", "twice"),
    ("auth", "totp-issuer", "our:app", "no colon"),
    ("auth", "totp-issuer", "our\napp", "no colon"),
    ("auth", "totp-issuer", "a" * 65, "64 characters"),
    ("auth", "refresh-cookie", "always", "one of"),
    ("auth", "refresh-cookie-max-age-s", "59", "60"),
    ("auth", "refresh-cookie-max-age-s", "315360001", "315360000"),
    ("auth", "refresh-cookie-max-age-s", "30d", "integer"),
    ("auth-config", "sign-up", "perhaps", "boolean"),
    ("auth-config", "flows", "", "At least one"),
    ("auth-config", "flows", "USER_SRP_AUTH", "'USER_SRP_AUTH' is not one of USER_PASSWORD_AUTH"),
    ("auth-config", "first-factors", "PASSWORD_SRP", "'PASSWORD_SRP' is not one of PASSWORD"),
    ("auth-config", "mfa", "EMAIL_MFA", "'EMAIL_MFA' is not one of SOFTWARE_TOKEN_MFA"),
    ("auth-config", "passkeys", "perhaps", "boolean"),
    ("auth-config", "passkey-relying-party-id", "https://example.com", "a domain"),
    ("auth-config", "passkey-relying-party-id", "Example.com", "lower case"),
    ("auth-config", "passkey-user-verification", "discouraged", "required"),
    ("auth-config", "sessions", "perhaps", "boolean"),
    ("auth-config", "password-min-length", "5", "6"),
    ("auth-config", "password-min-length", "100", "99"),
    ("auth-config", "password-requires", "numbers", "'numbers' is not one of lowercase"),
    *(("limits", key, text, why) for key in RATES for text, why in (
        ("-0.1", "0"), ("100001", "100000"), ("nan", "nan"), ("many", "number"),
    )),
    *(("limits", key, text, why) for key, most in COUNTS.items() for text, why in (
        ("-1", "greater"), (str(most + 1), str(most)), ("0.5", "integer"),
    )),
    ("limits", "accounts-tracked", "0", "1"),
    ("limits", "burst-s", "0.9", "1"),
    ("limits", "burst-s", "61", "60"),
    ("activity", "days", "3651", "less than or equal to 3650"),
    ("activity", "days", "a", "Not a valid integer"),
    ("profile", "schema", "Schema", "Not of the form package.module:Class"),
    ("profile", "schema", ".relative:Schema", "Not of the form package.module:Class"),
    ("profile", "schema", "a..b:Schema", "Not of the form package.module:Class"),
    ("profile", "schema", "a:B.C", "Not of the form package.module:Class"),
    ("profile", "history-days", "-1", "0"),
    ("profile", "history-days", "3651", "3650"),
    ("log", "level", "trace", "debug"),
    ("log", "format", "xml", "json"),
    ("log", "identities", "secret", "plain, hashed"),
    ("log", "hash-key", "%" * 15, "16"),
    ("services", "clients", "ap-south-1_AbCdEfGhI", "not of the right form"),
    ("services", "resource-server", 'a"b', "Not the identifier of a resource server"),
    ("services", "resource-server", "p" * 257, "Not the identifier of a resource server"),
    ("services", "client-burst", "-1", "0"),
    ("services", "client-per-s", "-0.1", "0"),
    ("tracing", "otlp-endpoint", "localhost:4318", "Not a URL"),
    ("tracing", "sample-ratio", "-0.1", "0"),
    ("tracing", "sample-ratio", "1.1", "1"),
]  # fmt: skip


def _load(*settings: tuple[str, str, str]) -> Config:
    given = REQUIRED | {(section, key): text for section, key, text in settings}
    if ("federation", "domain") in given:
        given = {("federation", "redirect-uris"): "https://a.example", **given}
    environ = {environment_name(*setting): text for setting, text in given.items()}
    return loader.load(None, environ)


def _value(section: str, key: str, text: str) -> Any:  # noqa: ANN401 -- settings have many types
    """Return the value of the setting for *text*."""
    fields = {kind.section: name for name, kind in SECTIONS.items()}
    return getattr(getattr(_load((section, key, text)), fields[section]), key.replace("-", "_"))


def _problems(*settings: tuple[str, str, str]) -> list[str]:
    """Return the problems of the message."""
    with pytest.raises(ConfigurationUnusable) as refused:
        _load(*settings)
    return str(refused.value).splitlines()[1:]


@pytest.mark.parametrize(("section", "key", "text", "value"), RIGHT)
def test_right_value_is_taken(section: str, key: str, text: str, value: object) -> None:
    """A setting takes its right values, bounds included."""
    assert _value(section, key, text) == value


@pytest.mark.parametrize(("section", "key", "text", "why"), WRONG)
def test_wrong_value_is_named(section: str, key: str, text: str, why: str) -> None:
    """A wrong value is refused with its section, key, variable and reason."""
    (line,) = _problems((section, key, text))

    name = environment_name(section, key)
    assert line.startswith(f"  [{section}] {key} (environment: {name}): ")
    assert why in line.partition("): ")[2]


@pytest.mark.parametrize(("section", "key"), sorted(SETTINGS), ids=".".join)
@pytest.mark.parametrize("quotes", ['""', "''", "\u201c\u201d"])
def test_value_in_quotes_is_refused(section: str, key: str, quotes: str) -> None:
    """Quotes around a value, which an environment file keeps, are refused in every setting."""
    text = {(section, key): value for section, key, value, _ in RIGHT}[section, key]

    problems = _problems((section, key, f"{quotes[0]}{text}{quotes[1]}"))

    name = environment_name(section, key)
    refusal = (
        f"  [{section}] {key} (environment: {name}): Write the value without quotes around it."
    )
    assert any(line.startswith(refusal) for line in problems)


def test_domain_needs_redirect_uris() -> None:
    """A domain without a redirect URI offers nothing."""
    domain, none = ("federation", "domain", "a.example"), ("federation", "redirect-uris", "")

    (line,) = _problems(domain, none)

    assert "FEDERATION_REDIRECT_URIS): Must be set, because domain is set." in line


@pytest.mark.parametrize(
    "placeholder",
    [
        "null",
        "None",
        "undefined",
        "changeme",
        "${CLIENT_ID}",
        "$(CLIENT_ID)",
        "{{ client }}",
        "<id>",
    ],
)
@pytest.mark.parametrize("key", ["client-id", "client-secret", "issuers"])
def test_placeholder_is_refused(key: str, placeholder: str) -> None:
    """What a template leaves for a missing value is no value of any setting."""
    (line,) = _problems(("aws.cognito", key, placeholder))

    assert "It holds a placeholder instead of a value." in line


def test_every_setting_is_tried() -> None:
    """The tables have a right and a wrong value of every setting."""
    assert {(section, key) for section, key, _, _ in RIGHT} == SETTINGS
    assert {(section, key) for section, key, _, _ in WRONG} == SETTINGS


@pytest.mark.parametrize(
    ("port", "first", "workers", "why"),
    [
        ("9003", "9000", "4", "here 9000 to 9003"),
        ("8080", "65533", "4", "here 65533 to 65536"),
    ],
    ids=["the service's own", "beyond the last"],
)
def test_every_worker_needs_a_port_for_metrics(
    port: str, first: str, workers: str, why: str
) -> None:
    """Each worker needs a metrics port that is valid and not the service's."""
    ours = (("server", "port", port), ("server", "workers", workers))

    (line,) = _problems(*ours, ("server", "metrics-port", first))

    assert line.startswith("  [server] metrics-port (environment: SERVER_METRICS_PORT): ")
    assert why in line


def test_ports_for_metrics_may_be_the_last() -> None:
    """The last worker may use port 65535."""
    config = _load(("server", "workers", "4"), ("server", "metrics-port", "65532"))

    assert config.server.metrics_port == 65_532


def test_load_balancer_must_be_named() -> None:
    """The source alb needs an ARN."""
    (line,) = _problems(("identity", "sources", "alb bearer"), ALB_CLIENT)

    assert line.startswith("  [identity] alb-arn (environment: IDENTITY_ALB_ARN): Must be set")


def test_missing_load_balancer_is_named_beside_other_problems() -> None:
    """A missing ARN is named with the other problems of its section."""
    wrong = (("identity", "sources", "alb"), ALB_CLIENT, ("identity", "clock-skew-s", "soon"))

    assert [line.split()[1] for line in _problems(*wrong)] == ["clock-skew-s", "alb-arn"]


def test_wrong_load_balancer_is_one_problem() -> None:
    """A wrong ARN is not named as missing, too."""
    (line,) = _problems(("identity", "sources", "alb"), ALB_CLIENT, ("identity", "alb-arn", "arn"))

    assert "'arn' is not of the right form. Example: arn:aws:" in line


def test_named_load_balancer_is_accepted() -> None:
    """With an ARN the source alb is accepted."""
    config = _load(("identity", "sources", "alb"), ALB_CLIENT, ("identity", "alb-arn", ARN))

    assert config.identity.sources == ("alb",)
    assert config.identity.alb_arn == (ARN,)


def test_client_address_needs_a_secret() -> None:
    """send-client-address needs a client secret."""
    (line,) = _problems(("aws.cognito", "send-client-address", "true"))

    assert line == (
        "  [aws.cognito] client-secret (environment: AWS_COGNITO_CLIENT_SECRET): "
        "Must be set, because send-client-address is true."
    )


def test_client_address_is_sent_by_a_client_with_a_secret() -> None:
    """With a secret, send-client-address is accepted."""
    config = _load(
        ("aws.cognito", "send-client-address", "true"), ("aws.cognito", "client-secret", SECRET)
    )

    assert config.cognito.send_client_address


def test_hashing_needs_a_key() -> None:
    """Hashed identities need a key; the message names both settings."""
    (line,) = _problems(("log", "identities", "hashed"))

    assert line == (
        "  [log] hash-key (environment: LOG_HASH_KEY): "
        "Must be set, to at least 16 characters, because identities = hashed."
    )


def test_short_key_is_one_problem() -> None:
    """A short key is one problem, which does not show it."""
    (line,) = _problems(("log", "identities", "hashed"), ("log", "hash-key", "sh0rt-k3y"))

    assert (
        line
        == "  [log] hash-key (environment: LOG_HASH_KEY): Not a text of at least 16 characters."
    )
    assert "sh0rt-k3y" not in line


def test_key_for_hashing_is_accepted_and_never_shown() -> None:
    """With a key, hashed identities are accepted; the repr does not have the key."""
    key = "k" * 16
    config = _load(("log", "identities", "hashed"), ("log", "hash-key", key))

    assert (config.log.identities, config.log.hash_key) == ("hashed", key)
    assert "hash_key" not in repr(config)
    assert key not in repr(config)


@pytest.mark.parametrize("region", ["us-gov-west-1", "eusc-de-east-1", "cn-north-1"])
def test_any_partition_has_regions(region: str) -> None:
    """Regions of every partition are accepted, with a pool and a load balancer there."""
    partition = {"us": "aws-us-gov", "eusc": "aws-eusc", "cn": "aws-cn"}[region.partition("-")[0]]
    arn = ARN.replace("arn:aws:", f"arn:{partition}:").replace("ap-south-1", region)
    config = _load(
        ("aws", "region", region),
        ("aws.cognito", "user-pool-id", f"{region}_Ab1"),
        ("identity", "alb-arn", arn),
    )

    assert (config.aws.region, config.identity.alb_arn) == (region, (arn,))


def test_pool_of_another_region_is_refused() -> None:
    """A user pool whose id names another region is refused."""
    (line,) = _problems(("aws", "region", "eu-west-1"))

    assert line == (
        "  [aws.cognito] user-pool-id (environment: AWS_COGNITO_USER_POOL_ID): "
        "The pool is in ap-south-1, but [aws] region is eu-west-1. Change one of them."
    )


def test_pool_of_an_emulator_is_in_every_region() -> None:
    """A pool id that names no region, as an emulator's, is accepted in any region."""
    config = _load(("aws", "region", "eu-west-1"), ("aws.cognito", "user-pool-id", "local_Ab1"))

    assert config.cognito.user_pool_id == "local_Ab1"


def test_load_balancer_of_another_region_is_refused() -> None:
    """An ARN of another region is refused."""
    arn = ARN.replace("ap-south-1", "eu-west-1")
    (line,) = _problems(("identity", "alb-arn", f"{ARN} {arn}"))

    assert line == (
        "  [identity] alb-arn (environment: IDENTITY_ALB_ARN): "
        f"{arn} is in eu-west-1, but [aws] region is ap-south-1. Change one of them."
    )


def test_load_balancer_with_keys_elsewhere_is_in_any_region() -> None:
    """With alb-key-url, the ARN may be of any region."""
    arn = ARN.replace("ap-south-1", "eu-west-1")
    config = _load(
        ("identity", "alb-arn", arn), ("identity", "alb-key-url", "http://localhost:8000")
    )

    assert config.identity.alb_arn == (arn,)


def test_load_balancer_needs_a_client_with_a_secret() -> None:
    """The source alb needs alb-client-id unless the service's app client has a secret."""
    alb = (("identity", "sources", "alb bearer"), ("identity", "alb-arn", ARN))
    (line,) = _problems(*alb)

    assert line.startswith(
        "  [identity] alb-client-id (environment: IDENTITY_ALB_CLIENT_ID): Must be set, because"
    )
    assert _load(*alb, ALB_CLIENT).identity.alb_client_id == ALB_CLIENT[2]
    assert _load(*alb, ("aws.cognito", "client-secret", SECRET)).identity.alb_client_id is None


def test_passkey_that_is_both_factors_verifies_the_user() -> None:
    """With WEB_AUTHN_MFA among the second factors, user verification must be required."""
    both = ("auth-config", "mfa", "SOFTWARE_TOKEN_MFA WEB_AUTHN_MFA")
    required = ("auth-config", "passkey-user-verification", "required")
    (line,) = _problems(both)

    assert line.startswith("  [auth-config] passkey-user-verification")
    assert _load(both, required).auth_config.mfa == ("SOFTWARE_TOKEN_MFA", "WEB_AUTHN_MFA")


def test_rule_is_not_applied_to_a_wrong_setting() -> None:
    """A rule about a setting that is wrong itself is skipped."""
    wrong = (("server", "balancer-idle-s", "80s"), ("server", "keep-alive-s", "10"))

    assert [line.split()[1] for line in _problems(*wrong)] == ["balancer-idle-s"]


@pytest.mark.parametrize(("tasks", "workers"), [(1, 1), (2, 1), (4, 3)])
def test_processes_share_the_total_rates(tasks: int, workers: int) -> None:
    """The total rates are divided by tasks and workers; the limits of an account are not."""
    limits = _load(("limits", "tasks", str(tasks))).limits
    share = limits.per_process(workers)
    total = {"sign_in", "sign_up", "recovery", "token", "read", "update"}

    for name in total:
        rate = getattr(limits, f"{name}_per_s")
        assert getattr(share, f"{name}_per_s") * tasks * workers == pytest.approx(rate)
    assert dataclasses.replace(share, **{f"{name}_per_s": 0 for name in total}) == (
        dataclasses.replace(limits, **{f"{name}_per_s": 0 for name in total})
    )
