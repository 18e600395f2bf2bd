"""
A local AWS: a strict Amazon Cognito, and DynamoDB, on moto's server.

All of it but the load balancer imports only `moto[server]` and what that requires, which is all that its
image has. For that reason `totp` and `web_authn` are written here instead of using pyotp and py_webauthn.
py_webauthn would also not save much: Cognito distinguishes failed checks that it reports as one
exception, and allows subdomains of a relying party where it compares whole origins.
"""
