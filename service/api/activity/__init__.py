"""The activity of users: which events are recorded, and how they are stored behind the requests."""
