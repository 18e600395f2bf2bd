"""The issuers and key URLs of AWS, by region and partition."""

from typing import Final

from service.config.settings import Config

# Elastic Load Balancing user guide, "Authenticate users": GovCloud keeps its keys in S3.
GOVCLOUD_KEYS: Final = "https://s3-{region}.amazonaws.com/aws-elb-public-keys-prod-{region}/"

# By the first word of a region; elsewhere it is amazonaws.com (botocore's partitions.json).
DNS_SUFFIXES: Final = {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}


def issuers(config: Config) -> frozenset[str]:
    """
    Return the issuers of the user pool's tokens: the configured ones, otherwise both of AWS's forms.

    The pool's IssuerConfigurationType selects the form (Cognito API reference).
    """
    if config.cognito.issuers:
        return frozenset(config.cognito.issuers)
    region, pool = config.aws.region, config.cognito.user_pool_id
    return frozenset(
        f"https://{host}.{region}.{_suffix(region)}/{pool}"
        for host in ("cognito-idp", "issuer-cognito-idp")
    )


def jwks_url(config: Config, cognito_url: str) -> str:
    """Return the URL of the user pool's JSON Web Key Set: the configured one, or one at *cognito_url*."""
    if config.cognito.jwks_url is not None:
        return config.cognito.jwks_url
    return f"{cognito_url.rstrip('/')}/{config.cognito.user_pool_id}/.well-known/jwks.json"


def alb_key_url(arn: str) -> str:
    """Return the URL of the keys in a load balancer's region; a key id is appended."""
    region = arn.split(":")[3]
    if region.startswith("us-gov-"):
        return GOVCLOUD_KEYS.format(region=region)
    return f"https://public-keys.auth.elb.{region}.{_suffix(region)}/"


def _suffix(region: str) -> str:
    return DNS_SUFFIXES.get(region.partition("-")[0], "amazonaws.com")
