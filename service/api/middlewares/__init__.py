"""
The middlewares, which `pipeline` runs in this order, and back.

1. request_context: the request id, the log line, and the headers of every response;
2. cors: the response headers for pages of allowed origins;
3. errors: error responses in one format;
4. limits: the number of requests in flight, and the deadline of each;
5. cross_site: rejection of changes requested by pages of other origins;
6. identity: authentication.
"""
