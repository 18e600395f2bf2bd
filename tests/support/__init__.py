"""
What several test packages share, one of each kind.

Fake Cognitos: `fakes` implements the ports in memory; `scripted_cognito` answers over HTTP what a test
says, and checks requests against the service model; `scripted_aws` answers bytes for any AWS service;
`local_aws` (its own package) behaves like Cognito. Token signers: `access_token_signer` signs as a user
pool does, `alb_token_signer` as a load balancer. Proxies: `aws_proxy`, and `lossy_proxy` on it.
"""
