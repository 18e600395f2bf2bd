"use strict";

// The document stands beside the page, so that both work behind any path prefix.
window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#page",
    deepLinking: true,
    displayRequestDuration: true,
    persistAuthorization: false, // tokens must not outlive the page
    tryItOutEnabled: true,
    validatorUrl: null, // nothing leaves this host
  });
});
