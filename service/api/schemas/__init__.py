"""The shapes of bodies: what comes in, checked, and what goes out, for the API document and the tests."""
