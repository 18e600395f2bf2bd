"""HTTP in and out: routes, middlewares, handlers and schemas; knows no AWS."""
