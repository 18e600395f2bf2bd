"""The domain of user pools: their sign-in pages, OAuth 2.0 endpoints and OpenID configuration."""
