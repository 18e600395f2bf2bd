/** A client of the User Profile Service for browsers and Node: typed calls, tokens, retries, conflicts. */
import type { paths } from "./api.js";
import type { AnyOptions, Code, Data, Given, MethodOf, Operation, Problem, Profile, ProfileFields, Schemas } from "./calls.js";

export type { Code, Problem, Profile, ProfileFields, Schemas };

/** A response; `etag` is null where it has none. */
export interface Reply<T> {
  data: T;
  status: number;
  etag: string | null;
}

/** An error response. `retryAfterS` is undefined if waiting does not help. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly code: Code;

  constructor(
    readonly status: number,
    readonly problem: Partial<Problem>,
    readonly retryAfterS?: number,
  ) {
    super(problem.detail ?? `The server responded with ${status}.`);
    this.code = problem.code ?? "upstream_fault"; // a proxy in front of the service
  }
}

/** Return whether *error* is an error response, with one of these codes if there are any. */
export function isProblem<C extends Code>(
  error: unknown,
  ...codes: C[]
): error is ProblemError & { readonly code: C } {
  return error instanceof ProblemError && (codes.length === 0 || codes.includes(error.code as C));
}

/** What is kept of a sign-in. The refresh token is absent where it is in a cookie. */
export interface Session {
  userId: string;
  accessToken: string;
  idToken: string;
  /** In milliseconds since 1970. */
  expiresAt: number;
  refreshToken?: string;
  deviceKey?: string;
}

export interface Settings {
  /** The service's address, such as `https://api.example.com`; "" is that of the page. */
  baseUrl: string;
  /** Where the session is kept: `localStorage` shares it between tabs. By default in memory. */
  storage?: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  /** The refresh token is in the service's cookie: `refreshCookie` of `GET /api/auth/config`. */
  cookie?: boolean;
  /** The longest `Retry-After`, in seconds, that a request waits before it is sent again. */
  maxWaitS?: number;
  fetch?: typeof fetch;
}

const NAME = "user-profile-service"; // of the stored session and of the lock
const EARLY_MS = 30_000; // a token is refreshed before it expires
const ATTEMPTS = 4;
const UNPROCESSED: readonly Code[] = ["overloaded", "throttled", "too_many_attempts"];

export class Client {
  readonly #settings: Required<Settings>;

  constructor(settings: Settings) {
    const defaults = { storage: memory(), cookie: false, maxWaitS: 10, fetch: globalThis.fetch.bind(globalThis) };
    this.#settings = { ...defaults, ...settings };
  }

  /** The session, also after another tab has changed it in a shared storage; null without one. */
  get session(): Session | null {
    return JSON.parse(this.#settings.storage.getItem(NAME) ?? "null") as Session | null;
  }

  /**
   * Send a request; throws ProblemError.
   *
   * Keeps the tokens of a response. Refreshes an access token that expires or is refused. Repeats after
   * `Retry-After` what was not processed, and reads.
   */
  async request<P extends keyof paths, M extends MethodOf<P>>(
    method: M,
    path: P,
    ...[options]: Given<Operation<P, M>>
  ): Promise<Reply<Data<Operation<P, M>>>> {
    const reply = await this.#persist(method, path, (options ?? {}) as AnyOptions);
    return reply as Reply<Data<Operation<P, M>>>;
  }

  /** Refresh the session, such as when a page opens; returns whether the user is signed in. */
  async restore(): Promise<boolean> {
    await this.#refresh(this.session?.accessToken);
    return this.session !== null;
  }

  /** End this session, or all of the user's; it is forgotten here even if the request fails. */
  async logOut(everywhere = false): Promise<void> {
    const refreshToken = this.session?.refreshToken;
    const body = { ...(refreshToken && { refreshToken }), ...(everywhere && { everywhere }) };
    try {
      const isEmpty = Object.keys(body).length === 0;
      if (!isEmpty) await this.request("POST", "/api/auth/logout", { body });
      else if (this.#settings.cookie) await this.request("POST", "/api/auth/logout");
    } finally {
      this.#keep(null);
    }
  }

  /**
   * Merge into the profile what *change* returns for it; null stands for no profile.
   *
   * *change* is called again if another request has changed the profile, so that no change is lost.
   */
  async editProfile(
    change: (profile: Profile | null) => ProfileFields | Promise<ProfileFields>,
  ): Promise<Reply<Profile>> {
    for (let attempt = 1; ; attempt++) {
      try {
        const read = await this.request("GET", "/v1/user/profile").catch((error: unknown) => {
          if (isProblem(error, "profile_not_found")) return null;
          throw error;
        });
        const header = read?.etag ? { "If-Match": read.etag } : { "If-None-Match": "*" };
        const body = await change(read?.data ?? null);
        return await this.request("POST", "/v1/user/profile", { body, header });
      } catch (error) {
        const isConflict = isProblem(error, "precondition_failed", "profile_changed");
        if (!isConflict || attempt === ATTEMPTS) throw error;
      }
    }
  }

  async #persist(method: string, path: string, options: AnyOptions): Promise<Reply<unknown>> {
    let refreshed = false;
    for (let attempt = 1; ; attempt++) {
      const { accessToken, expiresAt } = this.session ?? {};
      if (expiresAt !== undefined && expiresAt - EARLY_MS < Date.now()) await this.#refresh(accessToken);
      const token = this.session?.accessToken;
      try {
        return await this.#send(method, path, options, token);
      } catch (error) {
        if (!isProblem(error)) throw error;
        if (!refreshed && isProblem(error, "token_invalid", "not_authenticated")) {
          refreshed = true;
          await this.#refresh(token);
          if (this.session === null) throw error;
          continue;
        }
        const waitS = error.retryAfterS ?? Infinity;
        const isRepeatable = method === "GET" || UNPROCESSED.includes(error.code);
        if (!isRepeatable || waitS > this.#settings.maxWaitS || attempt === ATTEMPTS) throw error;
        await pause(waitS * 1000, options.signal);
      }
    }
  }

  async #send(method: string, path: string, options: AnyOptions, token?: string): Promise<Reply<unknown>> {
    const { baseUrl, cookie } = this.#settings;
    const url = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(options.path?.[name])));
    const query = Object.entries(options.query ?? {}).filter(([, value]) => value !== undefined);
    const search = query.length ? `?${new URLSearchParams(query.map(([name, value]) => [name, String(value)]))}` : "";
    const response = await this.#settings.fetch(baseUrl.replace(/\/$/, "") + url + search, {
      method,
      headers: {
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(options.body !== undefined && { "Content-Type": "application/json" }),
        ...options.header,
      },
      credentials: cookie && path.startsWith("/api/auth/") ? "include" : "same-origin",
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
      ...(options.signal && { signal: options.signal }),
    });
    const text = await response.text();
    const isJson = /\bjson\b/.test(response.headers.get("Content-Type") ?? "");
    const data: unknown = isJson && text ? JSON.parse(text) : text || undefined;
    if (response.status >= 400) {
      const seconds = Number(response.headers.get("Retry-After") ?? NaN);
      const problem = isJson ? (data as Partial<Problem>) : {};
      throw new ProblemError(response.status, problem, Number.isNaN(seconds) ? undefined : seconds);
    }
    this.#keepTokens(data);
    return { data, status: response.status, etag: response.headers.get("ETag") };
  }

  /** Replace *stale*, or forget the session. One tab does it: the others find the new token. */
  async #refresh(stale: string | undefined): Promise<void> {
    const { baseUrl, cookie } = this.#settings;
    await exclusively(`${NAME} ${baseUrl}`, async (waited) => {
      if (waited && this.session?.accessToken === stale) await pause(250); // storage reaches other tabs later than locks
      const { accessToken, refreshToken, deviceKey } = this.session ?? {};
      if (accessToken !== stale || (!cookie && refreshToken === undefined)) return;
      try {
        const body = refreshToken === undefined ? undefined : { refreshToken, deviceKey };
        await this.#send("POST", "/api/auth/refresh", { body });
      } catch (error) {
        if (!isProblem(error) || error.status !== 401) throw error;
        if (this.session?.accessToken === stale) this.#keep(null);
      }
    });
  }

  /** Keep the tokens of a sign-in; a refresh may return no refresh token, and the old one stays valid. */
  #keepTokens(data: unknown): void {
    const { tokens = data } = Object(data) as { tokens?: unknown };
    const { userId, accessToken, idToken, expiresIn, ...others } = Object(tokens) as Schemas["Tokens"];
    if (typeof accessToken !== "string") return;
    const old = this.session?.userId === userId ? this.session : null;
    const refreshToken = others.refreshToken ?? old?.refreshToken;
    const deviceKey = others.deviceKey ?? old?.deviceKey;
    const expiresAt = Date.now() + expiresIn * 1000;
    this.#keep({ userId, accessToken, idToken, expiresAt, ...(refreshToken && { refreshToken }), ...(deviceKey && { deviceKey }) });
  }

  #keep(session: Session | null): void {
    if (session === null) this.#settings.storage.removeItem(NAME);
    else this.#settings.storage.setItem(NAME, JSON.stringify(session));
  }
}

function memory(): NonNullable<Settings["storage"]> {
  const kept = new Map<string, string>();
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, value),
    removeItem: (name) => void kept.delete(name),
  };
}

const running = new Map<string, Promise<unknown>>();

/** Run *action* alone among all tabs, or in this process without Web Locks; its argument is whether it waited. */
async function exclusively(name: string, action: (waited: boolean) => Promise<void>): Promise<void> {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks;
  const atOnce = (lock: Lock | null) => lock && action(false).then(() => true);
  if (locks) return void ((await locks.request(name, { ifAvailable: true }, atOnce)) ?? (await locks.request(name, () => action(true))));
  const turn = (running.get(name) ?? Promise.resolve()).catch(() => undefined).then(() => action(false));
  running.set(name, turn);
  return await turn;
}

function pause(forMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, forMs);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason as Error)));
  });
}
