/** An error response. `retryAfterS` is undefined if waiting does not help. */
export class ProblemError extends Error {
    status;
    problem;
    retryAfterS;
    name = "ProblemError";
    code;
    constructor(status, problem, retryAfterS) {
        super(problem.detail ?? `The server responded with ${status}.`);
        this.status = status;
        this.problem = problem;
        this.retryAfterS = retryAfterS;
        this.code = problem.code ?? "upstream_fault"; // a proxy in front of the service
    }
}
/** Return whether *error* is an error response, with one of these codes if there are any. */
export function isProblem(error, ...codes) {
    return error instanceof ProblemError && (codes.length === 0 || codes.includes(error.code));
}
const NAME = "user-profile-service"; // of the stored session and of the lock
const EARLY_MS = 30_000; // a token is refreshed before it expires
const ATTEMPTS = 4;
const UNPROCESSED = ["overloaded", "throttled", "too_many_attempts"];
export class Client {
    #settings;
    constructor(settings) {
        const defaults = { storage: memory(), cookie: false, maxWaitS: 10, fetch: globalThis.fetch.bind(globalThis) };
        this.#settings = { ...defaults, ...settings };
    }
    /** The session, also after another tab has changed it in a shared storage; null without one. */
    get session() {
        return JSON.parse(this.#settings.storage.getItem(NAME) ?? "null");
    }
    /**
     * Send a request; throws ProblemError.
     *
     * Keeps the tokens of a response. Refreshes an access token that expires or is refused. Repeats after
     * `Retry-After` what was not processed, and reads.
     */
    async request(method, path, ...[options]) {
        const reply = await this.#persist(method, path, (options ?? {}));
        return reply;
    }
    /** Refresh the session, such as when a page opens; returns whether the user is signed in. */
    async restore() {
        await this.#refresh(this.session?.accessToken);
        return this.session !== null;
    }
    /** End this session, or all of the user's; it is forgotten here even if the request fails. */
    async logOut(everywhere = false) {
        const refreshToken = this.session?.refreshToken;
        const body = { ...(refreshToken && { refreshToken }), ...(everywhere && { everywhere }) };
        try {
            const isEmpty = Object.keys(body).length === 0;
            if (!isEmpty)
                await this.request("POST", "/api/auth/logout", { body });
            else if (this.#settings.cookie)
                await this.request("POST", "/api/auth/logout");
        }
        finally {
            this.#keep(null);
        }
    }
    /**
     * Merge into the profile what *change* returns for it; null stands for no profile.
     *
     * *change* is called again if another request has changed the profile, so that no change is lost.
     */
    async editProfile(change) {
        for (let attempt = 1;; attempt++) {
            try {
                const read = await this.request("GET", "/v1/user/profile").catch((error) => {
                    if (isProblem(error, "profile_not_found"))
                        return null;
                    throw error;
                });
                const header = read?.etag ? { "If-Match": read.etag } : { "If-None-Match": "*" };
                const body = await change(read?.data ?? null);
                return await this.request("POST", "/v1/user/profile", { body, header });
            }
            catch (error) {
                const isConflict = isProblem(error, "precondition_failed", "profile_changed");
                if (!isConflict || attempt === ATTEMPTS)
                    throw error;
            }
        }
    }
    async #persist(method, path, options) {
        let refreshed = false;
        for (let attempt = 1;; attempt++) {
            const { accessToken, expiresAt } = this.session ?? {};
            if (expiresAt !== undefined && expiresAt - EARLY_MS < Date.now())
                await this.#refresh(accessToken);
            const token = this.session?.accessToken;
            try {
                return await this.#send(method, path, options, token);
            }
            catch (error) {
                if (!isProblem(error))
                    throw error;
                if (!refreshed && isProblem(error, "token_invalid", "not_authenticated")) {
                    refreshed = true;
                    await this.#refresh(token);
                    if (this.session === null)
                        throw error;
                    continue;
                }
                const waitS = error.retryAfterS ?? Infinity;
                const isRepeatable = method === "GET" || UNPROCESSED.includes(error.code);
                if (!isRepeatable || waitS > this.#settings.maxWaitS || attempt === ATTEMPTS)
                    throw error;
                await pause(waitS * 1000, options.signal);
            }
        }
    }
    async #send(method, path, options, token) {
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
        const data = isJson && text ? JSON.parse(text) : text || undefined;
        if (response.status >= 400) {
            const seconds = Number(response.headers.get("Retry-After") ?? NaN);
            const problem = isJson ? data : {};
            throw new ProblemError(response.status, problem, Number.isNaN(seconds) ? undefined : seconds);
        }
        this.#keepTokens(data);
        return { data, status: response.status, etag: response.headers.get("ETag") };
    }
    /** Replace *stale*, or forget the session. One tab does it: the others find the new token. */
    async #refresh(stale) {
        const { baseUrl, cookie } = this.#settings;
        await exclusively(`${NAME} ${baseUrl}`, async (waited) => {
            if (waited && this.session?.accessToken === stale)
                await pause(250); // storage reaches other tabs later than locks
            const { accessToken, refreshToken, deviceKey } = this.session ?? {};
            if (accessToken !== stale || (!cookie && refreshToken === undefined))
                return;
            try {
                const body = refreshToken === undefined ? undefined : { refreshToken, deviceKey };
                await this.#send("POST", "/api/auth/refresh", { body });
            }
            catch (error) {
                if (!isProblem(error) || error.status !== 401)
                    throw error;
                if (this.session?.accessToken === stale)
                    this.#keep(null);
            }
        });
    }
    /** Keep the tokens of a sign-in; a refresh may return no refresh token, and the old one stays valid. */
    #keepTokens(data) {
        const { tokens = data } = Object(data);
        const { userId, accessToken, idToken, expiresIn, ...others } = Object(tokens);
        if (typeof accessToken !== "string")
            return;
        const old = this.session?.userId === userId ? this.session : null;
        const refreshToken = others.refreshToken ?? old?.refreshToken;
        const deviceKey = others.deviceKey ?? old?.deviceKey;
        const expiresAt = Date.now() + expiresIn * 1000;
        this.#keep({ userId, accessToken, idToken, expiresAt, ...(refreshToken && { refreshToken }), ...(deviceKey && { deviceKey }) });
    }
    #keep(session) {
        if (session === null)
            this.#settings.storage.removeItem(NAME);
        else
            this.#settings.storage.setItem(NAME, JSON.stringify(session));
    }
}
function memory() {
    const kept = new Map();
    return {
        getItem: (name) => kept.get(name) ?? null,
        setItem: (name, value) => void kept.set(name, value),
        removeItem: (name) => void kept.delete(name),
    };
}
const running = new Map();
/** Run *action* alone among all tabs, or in this process without Web Locks; its argument is whether it waited. */
async function exclusively(name, action) {
    const locks = globalThis.navigator?.locks;
    const atOnce = (lock) => lock && action(false).then(() => true);
    if (locks)
        return void ((await locks.request(name, { ifAvailable: true }, atOnce)) ?? (await locks.request(name, () => action(true))));
    const turn = (running.get(name) ?? Promise.resolve()).catch(() => undefined).then(() => action(false));
    running.set(name, turn);
    return await turn;
}
function pause(forMs, signal) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, forMs);
        signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)));
    });
}
