"use strict";

window.addEventListener("load", () => {
  const ui = SwaggerUIBundle({
    url: "openapi.json", // it stands beside the page, so that both work behind any path prefix
    dom_id: "#page",
    deepLinking: true,
    displayRequestDuration: true,
    persistAuthorization: false, // tokens must not outlive the page
    tryItOutEnabled: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null, // nothing leaves this host
    responseInterceptor: (response) => {
      identify(ui, response);
      return response;
    },
  });
});

// Who logs in on the page is who its next calls are made as: the schemes of the document's
// `components.securitySchemes` get the values that the answer carries.
function identify(ui, response) {
  const { userId, accessToken } = response.ok && response.body ? response.body : {};
  if (userId && accessToken) {
    ui.preauthorizeApiKey("identity", userId);
    ui.preauthorizeApiKey("accessToken", accessToken);
  }
}
