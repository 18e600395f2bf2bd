"""Reading a request: its query, content type, coding and body."""
