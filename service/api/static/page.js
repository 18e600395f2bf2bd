"use strict";

window.addEventListener("load", () => {
  const ui = SwaggerUIBundle({
    url: "openapi.json", // relative, so that the page works behind any path prefix
    dom_id: "#page",
    deepLinking: true,
    displayRequestDuration: true,
    persistAuthorization: false, // tokens are gone when the page is closed
    tryItOutEnabled: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null, // sends nothing to other hosts
    responseInterceptor: (response) => {
      authorize(ui, response);
      return response;
    },
  });
});

// Fill in the document's `components.securitySchemes` from the response of a log-in.
function authorize(ui, response) {
  const { userId, accessToken } = response.ok && response.body ? response.body : {};
  if (userId && accessToken) {
    ui.preauthorizeApiKey("identity", userId);
    ui.preauthorizeApiKey("accessToken", accessToken);
  }
}
