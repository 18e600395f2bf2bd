"""
A local AWS: a strict Amazon Cognito, and DynamoDB, on moto's server.

All of it but the load balancer runs on moto's own image, so it imports only moto and what moto requires.
For that reason `totp` and `web_authn` are written here instead of using pyotp and py_webauthn, which the
image does not have. py_webauthn would also not save much: Cognito distinguishes failed checks that it
reports as one exception, and allows subdomains of a relying party where it compares whole origins.
"""
