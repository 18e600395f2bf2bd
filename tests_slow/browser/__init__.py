"""Front ends in a real Chromium; the tests take part where one is installed (make test-browser)."""
