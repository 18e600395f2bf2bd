"use strict";

// The page of the API document: Swagger UI, with one credential at a time and errors in one line each.

let request; // the last one

window.addEventListener("load", async () => {
  const [spec, offer] = await Promise.all(["openapi.json", "api/auth/config"].map(fetchJson));
  spec.servers = [{ url: new URL(".", location.href).href.replace(/\/$/, "") }]; // behind any prefix
  withoutCookies(spec);
  remember({
    redirectUri: offer.federation?.redirectUris[0],
    provider: offer.federation?.providers[0],
  });
  const ui = SwaggerUIBundle({
    spec,
    dom_id: "#page",
    deepLinking: true,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    defaultModelsExpandDepth: 0,
    syntaxHighlight: { theme: "tomorrow-night" }, // the default has contrasts below 4.5
    validatorUrl: null, // sends nothing to other hosts
    plugins: [compactErrors(spec), prefilled(spec), oneCredential, forKeyboards],
    onComplete: () => known.authorized && ui.authActions.authorize(known.authorized),
    requestInterceptor: (sent) => (request = sent),
    responseInterceptor: (response) => {
      if (response.ok) {
        const tokens = learn(request, response);
        if (tokens) ui.authActions.authorize({ accessToken: bearer(spec, tokens.accessToken) });
        if (/\/logout$/.test(request.url)) forget(ui.getSystem());
        show(ui, spec);
      }
      return response;
    },
  });
});

async function fetchJson(url) {
  return (await fetch(url)).json();
}

function bearer(spec, value) {
  return { name: "accessToken", schema: spec.components.securitySchemes.accessToken, value };
}

// A browser sends its cookies by itself, and lets no script set this one.
function withoutCookies(spec) {
  delete spec.components.securitySchemes.refreshCookie;
  for (const { operation } of operations(spec)) {
    operation.security = operation.security.filter((needed) => !("refreshCookie" in needed));
  }
}

// Show what is known in the forms that are open; `prefilled` does so in those that are opened later.
function show(ui, spec) {
  const { oas3Actions, oas3Selectors, specActions } = ui.getSystem();
  for (const { path, method, operation } of operations(spec)) {
    const pathMethod = [path, method];
    if (oas3Selectors.requestBodyValue(...pathMethod)) {
      oas3Actions.setRequestBodyValue({ value: text(exampleBody(operation)), pathMethod });
    }
    for (const { name, in: place } of operation.parameters ?? []) {
      const value = place === "path" && knownId(path, name);
      if (value) specActions.changeParam(pathMethod, name, place, value);
    }
  }
}

// A form begins with what is known. It is empty where the browser sends a cookie in place of a body.
function prefilled(spec) {
  return ({ Im: { fromJS }, React: { createElement } }) => ({
    wrapComponents: {
      TextArea: (TextArea) => (props) => createElement(TextArea, { "aria-label": "Request body", ...props }),
      RequestBody: (RequestBody) => (props) => {
        const [, path, method] = props.specPath.toJS();
        const example = exampleBody(spec.paths[path][method]);
        if (example === undefined) return null;
        const withExample = (content) => content.set("example", fromJS(example));
        const requestBody = props.requestBody.update("content", (contents) => contents.map(withExample));
        return createElement(RequestBody, { ...props, requestBody });
      },
    },
  });
}

function text(body) {
  return body && JSON.stringify(body, null, 2);
}

// What Swagger UI lacks for use by the keyboard and by screen readers.
function forKeyboards({ React: { createElement, useEffect, useRef } }) {
  return {
    wrapComponents: {
      // A link inside of the button that opens an operation would be a second stop of Tab.
      DeepLink: (DeepLink) => (props) => createElement(DeepLink, { ...props, enabled: false }),
      // The name of a button is its text, which a person says to press it.
      Button: (Button) => ({ "aria-label": _, ...props }) => createElement(Button, props),
      CloseIcon: (CloseIcon) => (props) =>
        createElement(CloseIcon, { ...props, role: "img", "aria-hidden": undefined, "aria-label": "Close" }),
      // What scrolls can be scrolled by the keyboard in every browser.
      operation: (Operation) => (props) => {
        const place = useRef(null);
        useEffect(() => {
          for (const code of place.current.querySelectorAll(".microlight")) {
            if (code.scrollHeight > code.clientHeight) code.tabIndex = 0;
          }
        });
        return createElement("div", { ref: place }, createElement(Operation, props));
      },
      // The button is disabled until the response is there, and would lose the focus.
      execute: (Execute) => (props) => {
        const pressed = useRef(null);
        const onExecute = () => {
          pressed.current = document.activeElement;
          props.onExecute();
        };
        useEffect(() => {
          if (!props.disabled && document.activeElement === document.body) pressed.current?.focus();
        }, [props.disabled]);
        return createElement(Execute, { ...props, onExecute });
      },
      // A modal dialog keeps the focus, and returns it to the button that has opened it.
      authorizationPopup: (Popup) => (props) => {
        const dialog = useRef(null);
        const opener = useRef(document.activeElement);
        useEffect(() => {
          dialog.current.showModal();
          dialog.current.querySelector("input, .auth").focus();
          return () => opener.current.focus();
        }, []);
        const onClose = () => props.authActions.showDefinitions(false);
        const attributes = { ref: dialog, className: "authorization", "aria-label": "Authorization", onClose };
        return createElement("dialog", attributes, createElement(Popup, props));
      },
    },
  };
}

// Keep the credentials for a reload. A new one replaces the others: the service refuses two that differ.
function oneCredential(system) {
  const keep = () => remember({ authorized: system.authSelectors.authorized().toJS() });
  const then = (action) => (original) => (given) => {
    const result = action(original, given);
    keep();
    return result;
  };
  return {
    statePlugins: {
      auth: {
        wrapActions: {
          authorize: then((original, payload) => {
            forget(system, payload);
            return original(payload);
          }),
          logout: then((original, names) => original(names)),
        },
      },
    },
  };
}

function forget({ authActions, authSelectors }, kept = {}) {
  const names = authSelectors.authorized().keySeq().toJS().filter((name) => !(name in kept));
  if (names.length) authActions.logout(names); // it fails before the first authorization
}

// The sentence of each code, from the description of `Problem.code`.
function meanings(spec) {
  const { description } = spec.components.schemas.Problem.properties.code;
  return Object.fromEntries([...description.matchAll(/^- `(\w+)`: (.*)$/gm)].map(([, ...pair]) => pair));
}

// Error responses share one body, and differ in their codes: a line for each is enough.
function compactErrors(spec) {
  const meaning = meanings(spec);
  return ({ React: { createElement, Fragment } }) => ({
    wrapComponents: {
      responses: (Responses) => (props) => {
        const rows = Object.entries(spec.paths[props.path][props.method].responses)
          .filter(([, { $ref }]) => $ref)
          .flatMap(([status, { $ref }]) => codes(spec, $ref).map((code) => [status, code, meaning[code]]));
        const cell = (text) => createElement("td", { key: text }, text);
        const row = (texts) => createElement("tr", { key: texts[1] }, texts.map(cell));
        return createElement(
          Fragment,
          null,
          createElement(Responses, {
            ...props,
            responses: props.responses.filter((_, status) => Number(status) < 400),
          }),
          createElement(
            "details",
            { className: "errors" },
            createElement("summary", null, `Errors (${rows.length})`),
            createElement("table", { tabIndex: 0 }, createElement("tbody", null, rows.map(row))),
          ),
        );
      },
    },
  });
}

function codes(spec, reference) {
  const { content } = spec.components.responses[reference.split("/").at(-1)];
  return content["application/problem+json"].schema.allOf[1].properties.code.enum;
}
