"use strict";

// Request bodies and parameters of the page, filled in with what earlier responses have returned.

const STORED = "user-profile-service.docs"; // in sessionStorage: gone when the tab is closed
const CODE = "the-code-of-the-message"; // as in the document
const known = JSON.parse(sessionStorage.getItem(STORED) ?? "{}");
known.username ??= newUsername();
known.password ??= "YourPass123!";

function remember(found) {
  Object.assign(known, found);
  sessionStorage.setItem(STORED, JSON.stringify(known));
}

function newUsername() {
  return `alice-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}@example.com`;
}

// Keep what later requests need of a successful response; returns the tokens, if it has any.
function learn(request, response) {
  const path = new URL(request.url).pathname.replace(/^.*(?=\/api\/auth\/)/, "");
  const sent = parsed(request.body) ?? {};
  const found = response.body ?? {};
  const tokens = found.tokens ?? found;
  if (path.endsWith("/signup")) remember({ session: found.session });
  if (/\/(signup|login|reset)$/.test(path)) {
    remember({ username: sent.username, password: sent.password ?? known.password });
  }
  if (path.endsWith("/password/change")) remember({ password: sent.newPassword });
  if (path.endsWith("/logout")) remember({ refreshToken: undefined, inCookie: false });
  if (request.method === "DELETE" && path.endsWith("/me")) remember({ username: newUsername() });
  if (found.challenge) remember({ challenge: found.challenge });
  if (found.sessions) remember({ sessionId: found.sessions.find(({ current }) => !current)?.id });
  if (found.passkeys) remember({ passkeyId: found.passkeys[0]?.id });
  if (!tokens.accessToken) return undefined;
  const { refreshToken, deviceKey } = tokens;
  const isRefresh = path.endsWith("/refresh");
  if (refreshToken || !isRefresh) remember({ refreshToken, deviceKey, inCookie: !refreshToken });
  return tokens;
}

function* operations(spec) {
  for (const [path, methods] of Object.entries(spec.paths)) {
    for (const [method, operation] of Object.entries(methods)) yield { path, method, operation };
  }
}

// The body of an operation: its example, with what is known in place of the values; none if there is none.
function exampleBody({ operationId, requestBody }) {
  const [content] = Object.values(requestBody?.content ?? {});
  const filled = replaced(content?.example);
  switch (operationId) {
    case "confirmAccount":
      return { ...filled, ...(known.session && { session: known.session }) };
    case "refreshSession":
      if (known.inCookie) return undefined;
      return { ...filled, ...(known.deviceKey && { deviceKey: known.deviceKey }) };
    case "logOut":
      if (known.inCookie) return undefined;
      return known.refreshToken ? { refreshToken: known.refreshToken } : filled;
    case "changePassword":
      return { ...filled, newPassword: `${known.password}+` };
    case "answerChallenge":
      return { ...filled, ...(known.challenge && answered(known.challenge)) };
    default:
      return filled;
  }
}

function knownId(path, name) {
  if (name !== "id") return undefined;
  return path.includes("/sessions/") ? known.sessionId : known.passkeyId;
}

function answered({ name, session, available }) {
  const answers = {
    SELECT_CHALLENGE: { choice: available?.[0] },
    SELECT_MFA_TYPE: { choice: available?.[0] },
    PASSWORD: { password: known.password },
    NEW_PASSWORD_REQUIRED: { newPassword: known.password },
    SOFTWARE_TOKEN_MFA: { code: "the-code-of-the-app" },
  };
  return { name, session, answer: answers[name] ?? { code: CODE } };
}

function replaced(value, name) {
  const values = {
    username: known.username,
    email: known.username,
    password: known.password,
    currentPassword: known.password,
    refreshToken: known.refreshToken,
    redirectUri: known.redirectUri,
    provider: known.provider,
  };
  if (value === null || typeof value !== "object") return values[name] ?? value;
  if (Array.isArray(value)) return value.map((entry) => replaced(entry));
  return Object.fromEntries(
    Object.entries(value).map(([member, inner]) => [member, replaced(inner, member)]),
  );
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
