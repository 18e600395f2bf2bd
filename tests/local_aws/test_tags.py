"""User pools have tags."""

from tests.local_aws.support import Harness, refusal_type


async def test_tags_are_added_and_removed(harness: Harness) -> None:
    """A pool has the tags of its creation, and those that are added; removing others is no error."""
    cognito = harness.cognito
    pool = await cognito.create_user_pool(PoolName="tagged", UserPoolTags={"a": "b"})
    arn = pool["UserPool"]["Arn"]
    await cognito.tag_resource(ResourceArn=arn, Tags={"c": "d"})
    both = await cognito.list_tags_for_resource(ResourceArn=arn)
    await cognito.untag_resource(ResourceArn=arn, TagKeys=["a", "unknown"])
    left = await cognito.list_tags_for_resource(ResourceArn=arn)

    assert (both["Tags"], left["Tags"]) == ({"a": "b", "c": "d"}, {"c": "d"})


async def test_other_resource_is_refused(harness: Harness) -> None:
    """A pool that does not exist, and an ARN of something else, have no tags."""
    listed = harness.cognito.list_tags_for_resource
    unknown = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_absent"
    assert await refusal_type(listed(ResourceArn=unknown)) == "ResourceNotFoundException"
    other = "arn:aws:s3:eu-central-1:123456789012:bucket"
    assert await refusal_type(listed(ResourceArn=other)) == "InvalidParameterException"
