/** The service with its local AWS, started for a test on free ports. */
import { spawn, type ChildProcess } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** What the tests of the clients run is `python -m service local`. */
export class LocalService {
  readonly #output: string[] = [];
  readonly #news = new EventEmitter().setMaxListeners(0);

  private constructor(readonly process: ChildProcess) {
    for (const stream of [process.stdout, process.stderr]) {
      if (!stream) continue;
      createInterface(stream).on("line", (line) => {
        this.#output.push(line);
        this.#news.emit("news");
      });
    }
    process.on("close", () => this.#news.emit("news"));
  }

  static async start(environment: Record<string, string> = {}): Promise<[LocalService, string]> {
    const env = { ...process.env, SERVER_PORT: "0", PYTHONUNBUFFERED: "1", ...environment };
    const data = mkdtempSync(join(tmpdir(), "profiles-")); // no accounts of an earlier run, nor a developer's
    const command = ["-m", "service", "local", "--data", data];
    const service = new LocalService(
      spawn(process.env["PYTHON"] ?? "python3", command, { env, cwd: process.env["REPOSITORY"] }),
    );
    const [, url] = await service.line(/page: (http:\S+)\/docs/);
    return [service, url!];
  }

  /** Return the confirmation code that is printed for a user. */
  async code(username: string): Promise<string> {
    return (await this.line(new RegExp(`confirmation code for ${username}: (\\d+)`)))[1]!;
  }

  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      for (const line of this.#output) {
        const match = pattern.exec(line);
        if (match) return match;
      }
      if (this.process.exitCode !== null) throw new Error(this.#output.join("\n"));
      await once(this.#news, "news");
    }
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.process.once("exit", resolve));
    this.process.kill("SIGTERM");
    await ended;
  }
}
