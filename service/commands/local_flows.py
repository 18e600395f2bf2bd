"""The commands to try that `local` prints."""

SIGNED_FLOW = """
A local load balancer listens on {url}: it authenticates users by user name and password, or in a browser
that opens {url}/login, and passes their signed identity to the API (x-amzn-oidc-data). Once alice,
below, has a profile:

curl -s -u 'alice:YourPass123!' {url}/v1/user/profile
"""

# The verifier and challenge are those of RFC 7636, appendix B.
FEDERATED_FLOW = """
Users also sign in on the pages of the user pool's domain, by themselves or with the provider LocalIdP.
Open the url that the first command prints. The address that the browser returns to has the code:

curl -s {url}/api/auth/federated -H 'Content-Type: application/json' \
-d '{{"redirectUri": "{redirect_uri}", "state": "xyz", \
"codeChallenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}}'
curl -s {url}/api/auth/federated/tokens -H 'Content-Type: application/json' \
-d '{{"redirectUri": "{redirect_uri}", "code": "'$CODE'", \
"codeVerifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}}'
"""

SERVICE_FLOW = """
Another service calls with a token of its own app client. Once alice, below, has a profile:

TOKEN=$(curl -s {domain}/oauth2/token -u '{client_id}:{secret}' -d grant_type=client_credentials \
| sed 's/.*"access_token": *"\\([^"]*\\)".*/\\1/')
curl -s {url}/v1/users/$USER_ID/profile -H "Authorization: Bearer $TOKEN"
"""

FLOW = """
The API listens on {url}   (page: {url}/docs)
Codes are printed here as they are "sent". Try it from another terminal, line by line. In the second,
put the code that is printed here for alice:

curl -s {url}/api/auth/signup -H 'Content-Type: application/json' \
-d '{{"username": "alice", "password": "YourPass123!", "attributes": {{"email": "alice@example.com"}}}}'
CODE=000000
curl -s {url}/api/auth/confirm -H 'Content-Type: application/json' \
-d '{{"username": "alice", "code": "'$CODE'"}}'
USER_ID=$(curl -s {url}/api/auth/login -H 'Content-Type: application/json' \
-d '{{"username": "alice", "password": "YourPass123!"}}' | sed 's/.*"userId":"\\([^"]*\\)".*/\\1/')
curl -s {url}/v1/user/profile -H "x-amzn-oidc-identity: $USER_ID" -H 'Content-Type: application/json' \
-d '{{"city": "Mumbai", "country": "India"}}'
curl -s {url}/v1/user/profile -H "x-amzn-oidc-identity: $USER_ID"

Ctrl-C ends it; accounts and profiles are gone then.
"""
