"""Where AWS has issuers and keys."""

import pytest

from service.authentication import aws_urls
from tests.support.configs import configured

ARN = (
    "arn:{partition}:elasticloadbalancing:{region}:123456789012:loadbalancer/app/a/50dc6c495c0c9188"
)


@pytest.mark.parametrize(
    ("partition", "region", "url"),
    [
        ("aws", "us-east-1", "https://public-keys.auth.elb.us-east-1.amazonaws.com/"),
        ("aws", "ap-south-1", "https://public-keys.auth.elb.ap-south-1.amazonaws.com/"),
        ("aws-cn", "cn-north-1", "https://public-keys.auth.elb.cn-north-1.amazonaws.com.cn/"),
        (
            "aws-us-gov",
            "us-gov-west-1",
            "https://s3-us-gov-west-1.amazonaws.com/aws-elb-public-keys-prod-us-gov-west-1/",
        ),
        (
            "aws-us-gov",
            "us-gov-east-1",
            "https://s3-us-gov-east-1.amazonaws.com/aws-elb-public-keys-prod-us-gov-east-1/",
        ),
        ("aws-eusc", "eusc-de-east-1", "https://public-keys.auth.elb.eusc-de-east-1.amazonaws.eu/"),
    ],
)
def test_key_server_is_that_of_the_region(partition: str, region: str, url: str) -> None:
    """Each partition of AWS has its own domain; GovCloud keeps its keys in S3."""
    arn = ARN.format(partition=partition, region=region)

    assert aws_urls.alb_key_url(arn) == url


@pytest.mark.parametrize(
    ("region", "suffix"),
    [
        ("us-east-1", "amazonaws.com"),
        ("us-gov-west-1", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
        ("eusc-de-east-1", "amazonaws.eu"),
    ],
)
def test_pool_has_two_issuers(region: str, suffix: str) -> None:
    """Both forms of the issuer are accepted."""
    pool = f"{region}_Example01"
    config = configured({"aws": {"region": region}, "aws.cognito": {"user-pool-id": pool}})

    assert aws_urls.issuers(config) == {
        f"https://cognito-idp.{region}.{suffix}/{pool}",
        f"https://issuer-cognito-idp.{region}.{suffix}/{pool}",
    }


def test_configured_issuers_replace_the_default() -> None:
    """Configured issuers replace those of AWS."""
    config = configured({"aws.cognito": {"issuers": "https://a.example/x https://b.example"}})

    assert aws_urls.issuers(config) == {"https://a.example/x", "https://b.example"}


def test_key_set_is_at_the_endpoint_of_cognito() -> None:
    """The key set is below the endpoint of Cognito's calls, with or without a slash at its end."""
    config = configured({"aws.cognito": {"user-pool-id": "us-east-1_Example01"}})

    for url in ("http://localhost:9229/", "http://localhost:9229"):
        assert (
            aws_urls.jwks_url(config, url)
            == "http://localhost:9229/us-east-1_Example01/.well-known/jwks.json"
        )


def test_configured_jwks_url_comes_first() -> None:
    """A configured JWKS URL precedes the endpoint URL."""
    config = configured(
        {
            "aws.cognito": {
                "endpoint-url": "http://localhost:9229",
                "jwks-url": "http://localhost/keys",
            }
        }
    )

    assert aws_urls.jwks_url(config, "http://cognito.invalid") == "http://localhost/keys"
