"""Where AWS has issuers and public keys, by region and partition."""

from typing import Final

from service.config.settings import Config

# Elastic Load Balancing user guide, "Authenticate users": GovCloud keeps its keys in S3.
GOVCLOUD_KEYS: Final = "https://s3-{region}.amazonaws.com/aws-elb-public-keys-prod-{region}/"

# By the first word of a region; elsewhere it is amazonaws.com (botocore's partitions.json).
DNS_SUFFIXES: Final = {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}


def issuers(config: Config) -> frozenset[str]:
    """
    Return the issuers of the pool's tokens: those that are set, else both forms that AWS has.

    A pool's IssuerConfigurationType decides which form its tokens name (Cognito API reference).
    """
    if config.cognito.issuers:
        return frozenset(config.cognito.issuers)
    region, pool = config.aws.region, config.cognito.user_pool_id
    return frozenset(
        f"https://{host}.{region}.{_suffix(region)}/{pool}"
        for host in ("cognito-idp", "issuer-cognito-idp")
    )


def jwks_url(config: Config) -> str:
    """Return where the pool's public keys are."""
    if config.cognito.jwks_url is not None:
        return config.cognito.jwks_url
    region = config.aws.region
    at_aws = f"https://cognito-idp.{region}.{_suffix(region)}"
    endpoint = (config.cognito.endpoint_url or at_aws).rstrip("/")
    return f"{endpoint}/{config.cognito.user_pool_id}/.well-known/jwks.json"


def alb_key_url(arn: str) -> str:
    """Return where the keys of a load balancer's region are; a key's id is appended."""
    region = arn.split(":")[3]
    if region.startswith("us-gov-"):
        return GOVCLOUD_KEYS.format(region=region)
    return f"https://public-keys.auth.elb.{region}.{_suffix(region)}/"


def _suffix(region: str) -> str:
    return DNS_SUFFIXES.get(region.partition("-")[0], "amazonaws.com")
