"""The tests mirror service/; contracts/ holds the suites that fakes and real adapters share."""
