"""The fixtures of `tests.commands`."""

from tests.commands.conftest import name, own_local_aws, placed, process_restored

__all__ = ["name", "own_local_aws", "placed", "process_restored"]
