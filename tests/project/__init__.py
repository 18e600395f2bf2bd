"""The project around the code: documents, workflows, hooks."""
