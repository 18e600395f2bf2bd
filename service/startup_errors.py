"""Why a command cannot do its work; nothing here concerns a request."""

UNUSABLE = 2  # exit status: the user has to correct something


class SetupError(Exception):
    """Something that the person who starts the service has to correct; the message says what."""


class ConfigurationUnusable(SetupError):
    """The settings are missing or wrong."""


class SchemaUnusable(SetupError):
    """`[profile] schema` does not name a subclass of the profile's schema."""


class TracingUnusable(SetupError):
    """Tracing is configured, and what it needs is not installed."""


class AddressUnavailable(SetupError):
    """The address to listen on cannot be had."""


class TableUnusable(SetupError):
    """There is a table of the configured name, and it is not one for profiles."""


class AwsUnusable(SetupError):
    """AWS refuses what the command asks of it, or can't be reached."""


class FileUnwritable(SetupError):
    """A file that the command is to write can't be written."""
