"""The errors that end a command; requests never raise them."""

UNUSABLE = 2  # exit status: a setting, an argument or the environment has to be corrected


class SetupError(Exception):
    """A problem that the operator has to correct; the message says which."""


class ConfigurationUnusable(SetupError):
    """Settings are missing or wrong."""


class SchemaUnusable(SetupError):
    """`[profile] schema` does not name a usable subclass of ProfileSchema."""


class TracingUnusable(SetupError):
    """Tracing is configured, but the packages that it needs are not installed."""


class AddressUnavailable(SetupError):
    """The address to listen on is taken, or not one of this machine."""


class TableUnusable(SetupError):
    """The configured table has other keys than profiles need, or does not become active."""


class AwsUnusable(SetupError):
    """AWS refuses a call of the command, or cannot be reached."""

    @classmethod
    def by_settings(cls, error: Exception) -> "AwsUnusable":
        """Return the error for settings of the AWS SDK with which no call is possible."""
        return cls(
            f"The settings for AWS of this machine cannot be used: {str(error).rstrip('.')}. "
            "Correct the environment, AWS_PROFILE or ~/.aws/config."
        )


class FileUnwritable(SetupError):
    """A file that the command writes cannot be written."""


class UrlUnusable(SetupError):
    """The URL of a deployment is not an HTTP URL."""
