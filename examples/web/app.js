// A page on the API without a framework: accounts, profile, sessions. client.js does tokens and retries.
import { Client, isProblem } from "./client.js";

const find = (selector) => document.querySelector(selector);
// ?api=... names another service than that of `make run`; a redirect returns without it.
const asked = new URLSearchParams(location.search).get("api") ?? sessionStorage.getItem("api");
const baseUrl = asked ?? "http://localhost:8080";
sessionStorage.setItem("api", baseUrl);

const redirectUri = `${location.origin}/`;
const offer = await new Client({ baseUrl }).request("GET", "/api/auth/config").then(({ data }) => data).catch((error) => {
  report(error);
  throw error; // nothing works without it
});
const client = new Client({ baseUrl, cookie: offer.refreshCookie, storage: localStorage });
let saved = { data: {}, etag: null }; // the profile as the form shows it

// --- What a page shows -------------------------------------------------------------------------------

function say(text = "") {
  find("#message").textContent = text;
}

function report(error) {
  const fields = error.problem?.errors?.map(({ field, message }) => `${field}: ${message}`) ?? [];
  say([isProblem(error) ? error.message : `The service cannot be reached: ${error.message}`, ...fields].join(" "));
}

async function show() {
  const signedIn = client.session !== null;
  if (signedIn) await Promise.all([showProfile(), showHistory(), showSessions(), showPasskeys()]);
  reveal(signedIn ? "#signed-in" : "#signed-out");
}

function reveal(selector) {
  for (const part of ["#signed-out", "#code", "#signed-in"]) find(part).hidden = part !== selector;
  find("#log-out").hidden = selector !== "#signed-in";
}

function on(selector, event, action) {
  find(selector).addEventListener(event, (happened) => {
    happened.preventDefault();
    return run(happened.submitter ?? happened.currentTarget, () => action(happened));
  });
}

// Run the action of a button once at a time, and report an error. A disabled button would lose the focus;
// if the action hides or replaces the focused element, the heading of its section gets the focus.
async function run(button, action) {
  if (button.ariaDisabled) return;
  const section = button.closest("section");
  say();
  button.ariaDisabled = "true";
  try {
    await action();
  } catch (error) {
    report(error);
  } finally {
    button.ariaDisabled = null;
  }
  const isVisible = (element) => element?.offsetParent;
  if (isVisible(button) || isVisible(document.activeElement)) return;
  [section, ...document.querySelectorAll("section")].find(isVisible).querySelector("h2").focus();
}

const valuesOf = (form) => Object.fromEntries(new FormData(form));

function row(text, detail, label, action) {
  const item = document.createElement("li");
  const note = document.createElement("small");
  note.textContent = detail;
  const shown = document.createElement("span");
  shown.append(text, document.createElement("br"), note);
  item.append(shown);
  if (label) {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
    button.setAttribute("aria-label", `${label}: ${text}`);
    button.addEventListener("click", () => run(button, action));
    item.append(button);
  }
  return item;
}

// --- Sign-up and sign-in -----------------------------------------------------------------------------

on("#sign-up", "submit", async ({ target }) => {
  const { username, password } = valuesOf(target);
  const body = { username, password, attributes: { email: username } };
  const { data } = await client.request("POST", "/api/auth/signup", { body });
  if (data.confirmed) return signIn({ username, password });
  askForCode(`It was sent to ${data.delivery?.destination ?? username}.`, async (code) => {
    const confirmation = { username, code, ...(data.session && { session: data.session }) };
    const confirmed = await client.request("POST", "/api/auth/confirm", { body: confirmation });
    if (!confirmed.data.tokens) return signIn({ username, password });
    await show();
  });
});

on("#log-in", "submit", ({ target, submitter }) => {
  const { username, password } = valuesOf(target);
  return signIn(submitter.name === "passkey" ? { username, preferredChallenge: "WEB_AUTHN" } : { username, password });
});

async function signIn(body) {
  await next(body.username, await client.request("POST", "/api/auth/login", { body }));
}

// Answer the challenges until there are tokens, which the client keeps.
async function next(username, { data }) {
  const { name, session, parameters } = data.challenge ?? {};
  const answer = async (given) =>
    next(username, await client.request("POST", "/api/auth/challenge", { body: { name, session, username, answer: given } }));
  if (!name) return show();
  if (name === "WEB_AUTHN") return answer({ credential: await signWithPasskey(parameters) });
  if (name === "SELECT_CHALLENGE") throw new Error("There is no passkey for this e-mail address here.");
  return askForCode(`${name}: ${parameters.CODE_DELIVERY_DESTINATION ?? "your app shows it."}`, (code) => answer({ code }));
}

function askForCode(hint, then) {
  reveal("#code");
  find("#code-hint").textContent = hint;
  askForCode.then = then;
  find("#code form").reset();
  find("#code input").focus();
}

on("#code form", "submit", ({ target }) => askForCode.then(valuesOf(target).code.trim()));

async function signWithPasskey({ CREDENTIAL_REQUEST_OPTIONS: options }) {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(JSON.parse(options));
  return (await navigator.credentials.get({ publicKey })).toJSON();
}

on("#log-out", "click", async () => {
  await client.logOut();
  await show();
});

// --- Sign-in on a provider's page: authorization code with PKCE -----------------------------------------

const base64Url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => base64Url(crypto.getRandomValues(new Uint8Array(32)));

async function goToProvider(provider) {
  const codeVerifier = random();
  const state = random();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(codeVerifier));
  const body = { redirectUri, provider, state, codeChallenge: base64Url(digest) };
  const { data } = await client.request("POST", "/api/auth/federated", { body });
  sessionStorage.setItem("federation", JSON.stringify({ codeVerifier, state }));
  location.assign(data.url);
}

async function returnFromProvider() {
  const { code, state, error_description: refusal } = Object.fromEntries(new URLSearchParams(location.search));
  const begun = JSON.parse(sessionStorage.getItem("federation"));
  sessionStorage.removeItem("federation");
  history.replaceState(null, "", "/"); // the code is of no use in a bookmark
  if (refusal) throw new Error(refusal);
  if (state !== begun?.state) throw new Error("This sign-in was not begun on this page.");
  const body = { redirectUri, code, codeVerifier: begun.codeVerifier };
  await client.request("POST", "/api/auth/federated/tokens", { body });
}

// --- The profile: changes of others are merged, and those of one field are a choice ------------------------

async function readProfile() {
  try {
    return await client.request("GET", "/v1/user/profile");
  } catch (error) {
    if (isProblem(error, "profile_not_found")) return { data: {}, etag: null };
    throw error;
  }
}

async function showProfile() {
  saved = await readProfile();
  for (const field of find("#profile").elements) if (field.name) field.value = saved.data[field.name] ?? "";
  find("#conflict").hidden = true;
}

on("#profile", "submit", async ({ target }) => {
  const shown = Object.entries(valuesOf(target)).filter(([name, value]) => value !== (saved.data[name] ?? ""));
  if (shown.length === 0) return;
  const mine = Object.fromEntries(shown.map(([name, value]) => [name, value || null])); // null removes a field
  const header = saved.etag ? { "If-Match": saved.etag } : { "If-None-Match": "*" };
  try {
    await client.request("POST", "/v1/user/profile", { body: mine, header });
  } catch (error) {
    if (!isProblem(error, "precondition_failed", "profile_changed")) throw error;
    return merge(mine, target);
  }
  await Promise.all([showProfile(), showHistory()]);
  say("Saved.");
});

async function merge(mine, form) {
  const before = saved.data;
  saved = await readProfile();
  const theirs = ([name]) => saved.data[name] !== before[name] && saved.data[name] !== mine[name];
  const conflicts = Object.entries(mine).filter(theirs);
  for (const { name } of [...form.elements].filter((field) => field.name)) {
    form.elements[name].value = (name in mine ? mine[name] : saved.data[name]) ?? "";
  }
  if (conflicts.length === 0) return form.requestSubmit();
  const described = conflicts.map(([name]) => `${name} is now “${saved.data[name] ?? ""}”`).join(", ");
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Take theirs" });
  button.className = "second";
  button.addEventListener("click", () => run(button, showProfile));
  find("#conflict").replaceChildren(`Changed elsewhere: ${described}. Save to overwrite it. `, button);
  find("#conflict").hidden = false;
}

// --- What the deployment may or may not offer ---------------------------------------------------------------

// Read a list into a section, which is hidden where the deployment does not offer it.
async function list(selector, path, rows) {
  const section = find(selector);
  try {
    const { data } = await client.request("GET", path);
    section.querySelector("ul").replaceChildren(...rows(data));
    section.hidden = false;
  } catch (error) {
    if (!isProblem(error, "feature_unavailable", "route_not_found", "profile_not_found")) throw error;
    section.hidden = true;
  }
}

const time = (text) => new Date(text).toLocaleString();

const showSessions = () =>
  list("#sessions", "/api/auth/sessions", ({ sessions }) =>
    sessions.map(({ id, device, address, lastActiveAt, current }) =>
      row(device ?? address ?? "Unknown device", current ? "This session" : time(lastActiveAt), !current && "End", async () => {
        await client.request("DELETE", "/api/auth/sessions/{id}", { path: { id } });
        await showSessions();
      }),
    ),
  );

const showHistory = () =>
  list("#history", "/v1/user/profile/history", ({ versions }) =>
    versions.map(({ version, from, changed = [] }) =>
      row(`Version ${version}`, [time(from), ...changed].join(" · "), "Restore", async () => {
        await client.request("POST", "/v1/user/profile/revert", { body: { version } });
        await Promise.all([showProfile(), showHistory()]);
      }),
    ),
  );

const showPasskeys = () =>
  list("#passkeys", "/api/auth/passkeys", ({ passkeys }) =>
    passkeys.map(({ id, name, createdAt }) =>
      row(name, time(createdAt), "Delete", async () => {
        await client.request("DELETE", "/api/auth/passkeys/{id}", { path: { id } });
        await showPasskeys();
      }),
    ),
  );

on("#passkeys > button", "click", async () => {
  const { data } = await client.request("POST", "/api/auth/passkeys/options");
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(data.options);
  const credential = (await navigator.credentials.create({ publicKey })).toJSON();
  await client.request("POST", "/api/auth/passkeys", { body: { credential } });
  await showPasskeys();
});

// --- The start of the page ------------------------------------------------------------------------------------

const { minLength, requires } = offer.password;
find("#password-rules").textContent = [`At least ${minLength} characters`, ...requires].join(", ");
find("[name=passkey]").hidden = !offer.passkeys;
if (offer.federation?.redirectUris.includes(redirectUri)) {
  for (const provider of offer.federation.providers) {
    const button = Object.assign(document.createElement("button"), { className: "second", type: "button" });
    button.textContent = provider === "COGNITO" ? "Use the hosted page" : `Continue with ${provider}`;
    button.addEventListener("click", () => run(button, () => goToProvider(provider)));
    find("#providers").append(button);
  }
}
// Another tab has signed in or out; a new token concerns nobody.
addEventListener("storage", () => {
  if (find("#signed-in").hidden === (client.session !== null)) show().catch(report);
});
const isReturn = /[?&](code|error)=/.test(location.search);
try {
  if (isReturn) await returnFromProvider();
  else if (client.session) await client.restore();
} catch (error) {
  report(error);
}
await show().catch(report);
