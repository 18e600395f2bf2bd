"""The templates as CloudFormation reads them, and the service on the stacks that they make."""
