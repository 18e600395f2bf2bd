/** The client against a real server with its local AWS, and against scripted responses. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, isProblem, ProblemError, type Settings } from "../src/client.js";
import { LocalService } from "./server.js";

const PASSWORD = "YourPass123!";
let service: LocalService;
let baseUrl: string;
let users = 0;

before(async () => {
  [service, baseUrl] = await LocalService.start();
});
after(() => service.stop());

/** A storage that several clients share, as tabs share localStorage. */
function shared(): NonNullable<Settings["storage"]> & Map<string, string> {
  const kept = new Map<string, string>();
  return Object.assign(kept, {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  });
}

async function signedUp(): Promise<string> {
  const client = new Client({ baseUrl });
  const username = `user${++users}@example.com`;
  const body = { username, password: PASSWORD, attributes: { email: username } };
  await client.request("POST", "/api/auth/signup", { body });
  const code = await service.code(username);
  await client.request("POST", "/api/auth/confirm", { body: { username, code } });
  return username;
}

async function signedIn(settings: Partial<Settings> = {}): Promise<Client> {
  const client = new Client({ baseUrl, ...settings });
  const body = { username: await signedUp(), password: PASSWORD };
  await client.request("POST", "/api/auth/login", { body });
  return client;
}

/** A fetch that records each request, and lets *before* answer instead of the server. */
function recording(before?: (request: Request, number: number) => Response | undefined) {
  const requests: Request[] = [];
  const recorded: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    requests.push(request.clone());
    return before?.(request, requests.length) ?? (await fetch(request));
  };
  return { requests, fetch: recorded };
}

const paths = (requests: Request[]) => requests.map((request) => `${request.method} ${new URL(request.url).pathname}`);

function problem(status: number, code: string, headers: Record<string, string> = {}): Response {
  const body = JSON.stringify({ type: "about:blank", title: "t", status, detail: "d", code, requestId: "r" });
  return new Response(body, { status, headers: { "Content-Type": "application/problem+json", ...headers } });
}

test("a sign-in is kept, and read fields have their types", async () => {
  const client = await signedIn();
  const saved = await client.editProfile((profile) => {
    assert.equal(profile, null);
    return { displayName: "Asha", preferences: { theme: "dark", sizes: [1, 2] } };
  });
  const { data, etag } = await client.request("GET", "/v1/user/profile");

  assert.equal(saved.status, 201);
  assert.equal(data.userId, client.session?.userId);
  assert.equal(data.displayName?.toUpperCase(), "ASHA");
  assert.deepEqual(data.preferences, { theme: "dark", sizes: [1, 2] });
  assert.equal(etag, saved.etag);
});

test("an error is a problem with a code of the list, and its fields", async () => {
  const client = new Client({ baseUrl });
  const refused = client.request("POST", "/api/auth/signup", { body: { username: "a b", password: "x" } });

  await assert.rejects(refused, (error) => {
    assert.ok(isProblem(error, "invalid_fields"));
    assert.equal(error.status, 422);
    assert.deepEqual(error.problem.errors?.map((entry) => entry.field), ["username"]);
    assert.ok(error.problem.requestId);
    return !isProblem(error, "weak_password") && isProblem(error);
  });
});

test("no change of a profile is lost", async () => {
  const client = await signedIn();
  await client.editProfile(() => ({ bio: "0" }));
  const raced = [1, 2, 3].map(() => client.editProfile((profile) => ({ bio: `${Number(profile?.bio) + 1}` })));
  await Promise.all(raced);

  assert.equal((await client.request("GET", "/v1/user/profile")).data.bio, "3");
});

test("an expired token is refreshed once for all requests of all tabs", async () => {
  const storage = shared();
  const { requests, fetch } = recording();
  const tabs = [await signedIn({ storage, fetch }), new Client({ baseUrl, storage, fetch })];
  const old = tabs[0]!.session!;
  storage.setItem("user-profile-service", JSON.stringify({ ...old, expiresAt: Date.now() }));
  requests.length = 0;
  await Promise.all([...tabs, ...tabs].map((tab) => tab.request("GET", "/api/auth/me")));

  assert.equal(paths(requests).filter((path) => path.endsWith("/refresh")).length, 1);
  assert.equal(tabs[0]!.session!.accessToken, tabs[1]!.session!.accessToken);
  assert.notEqual(tabs[0]!.session!.accessToken, old.accessToken);
  assert.ok(tabs[0]!.session!.refreshToken);
});

test("a token that is refused is refreshed, and the request sent again", async () => {
  const refuse = (request: Request, number: number) =>
    number === 3 ? problem(401, "token_invalid", { "WWW-Authenticate": "Bearer" }) : undefined;
  const { requests, fetch } = recording(refuse);
  const client = await signedIn({ fetch });
  await client.request("GET", "/api/auth/me");
  await client.request("GET", "/api/auth/me");

  const me = "GET /api/auth/me";
  assert.deepEqual(paths(requests).slice(1), [me, me, "POST /api/auth/refresh", me]);
});

test("a session that ended elsewhere is forgotten, and the error says so", async () => {
  const client = await signedIn();
  const other = new Client({ baseUrl, storage: shared() });
  const session = client.session!;
  await new Client({ baseUrl, storage: holding(session) }).logOut(true);

  await assert.rejects(client.request("GET", "/api/auth/me"), (error) => isProblem(error, "token_invalid"));
  assert.equal(client.session, null);
  assert.equal(await client.restore(), false);
  assert.equal(await other.restore(), false);
});

function holding(session: unknown): NonNullable<Settings["storage"]> {
  const storage = shared();
  storage.setItem("user-profile-service", JSON.stringify(session));
  return storage;
}

test("a refresh that fails for another reason keeps the session", async () => {
  const fail = (request: Request) => (request.url.endsWith("/refresh") ? problem(502, "upstream_fault") : undefined);
  const client = await signedIn({ fetch: recording(fail).fetch });

  await assert.rejects(client.restore(), (error) => isProblem(error, "upstream_fault"));
  assert.ok(client.session);
});

test("a refused refresh keeps the session that another tab has stored meanwhile", async () => {
  const storage = shared();
  const refuse = (request: Request) => {
    if (!request.url.endsWith("/refresh")) return undefined;
    storage.setItem("user-profile-service", JSON.stringify({ ...client.session, accessToken: "newer" }));
    return problem(401, "refresh_token_reused");
  };
  const client = await signedIn({ storage, fetch: recording(refuse).fetch });

  assert.equal(await client.restore(), true);
  assert.equal(client.session?.accessToken, "newer");
});

test("logging out ends the session here and there", async () => {
  const client = await signedIn();
  const kept = holding(client.session);
  await client.logOut();

  assert.equal(client.session, null);
  assert.equal(await new Client({ baseUrl, storage: kept }).restore(), false);
});

test("what was not processed is sent again after Retry-After, and nothing else", async () => {
  const wait = { "Retry-After": "0" };
  const answers: Record<number, Response> = {
    1: problem(503, "overloaded", wait),
    2: problem(429, "throttled", wait),
    4: problem(504, "deadline_exceeded", wait),
    5: problem(503, "upstream_unavailable", wait),
    7: problem(429, "too_many_attempts", { "Retry-After": "11" }),
  };
  const { requests, fetch } = recording((_, number) => answers[number]);
  const client = new Client({ baseUrl, fetch });
  const resend = () => client.request("POST", "/api/auth/resend", { body: { username: "nobody@example.com" } });

  assert.equal((await resend()).status, 202);
  assert.equal(requests.length, 3);
  await assert.rejects(resend(), (error) => isProblem(error, "deadline_exceeded") && error.retryAfterS === 0);
  assert.ok((await client.request("GET", "/api/auth/config")).data.flows);
  assert.equal(requests.length, 6);
  await assert.rejects(resend(), (error) => isProblem(error, "too_many_attempts") && error.retryAfterS === 11);
});

test("a wait ends when the caller aborts", async () => {
  const { fetch } = recording(() => problem(503, "overloaded", { "Retry-After": "9" }));
  const client = new Client({ baseUrl, fetch });
  const stop = new AbortController();
  const waiting = client.request("GET", "/health/live", { signal: stop.signal });
  setImmediate(() => stop.abort(new Error("enough")));

  await assert.rejects(waiting, /enough/);
});

test("a proxy's error is a problem too", async () => {
  const { fetch } = recording(() => new Response("<h1>Bad Gateway</h1>", { status: 502 }));
  const failed = new Client({ baseUrl, fetch }).request("GET", "/api/auth/config");

  await assert.rejects(failed, (error) => error instanceof ProblemError && error.status === 502);
});

test("parameters of the path and of the query are encoded", async () => {
  const client = await signedIn();
  const { requests, fetch } = recording(() => new Response(null, { status: 204 }));
  const other = new Client({ baseUrl, fetch, storage: holding(client.session) });
  await other.request("DELETE", "/api/auth/sessions/{id}", { path: { id: "a/b c" }, query: { linked: true } });

  assert.equal(requests[0]!.url, `${baseUrl}/api/auth/sessions/a%2Fb%20c?linked=true`);
});
