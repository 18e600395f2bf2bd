"""
What the service counts and times of itself, for Prometheus.

`instruments` count in plain numbers, which costs a request 0.5 us; `Metrics` names all of them; only
`exposition` knows Prometheus' library, and is imported where `[server] metrics-port` asks for it.
"""
