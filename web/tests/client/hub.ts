// A real hub as a child process, with a data folder of its own, and a small OpenAI-compatible server for its tutor.

import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ROOT = join(import.meta.dirname, "../../..");
const PYTHON = process.env.TUTORHUB_PYTHON ?? join(ROOT, ".venv/bin/python");
export const hasHub = existsSync(PYTHON);
/** The variable that says where the data folder is that `begun.ts` has made. */
export const BEGUN = "WEB_TESTS_BEGUN";

/** Streams what it is given, piece by piece; before a piece that is null it waits until it is let go. */
export class Provider {
  /** To a message, one reply after the other; without any, the reply is the message, in capitals. */
  readonly #replies = new Map<string, (string | null)[][]>();
  readonly #server: Server;
  readonly #gates: (() => void)[] = [];
  #waiters: (() => void)[] = [];

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        if (request.url?.endsWith("/models"))
          answer(response, { object: "list", data: [{ id: "test-model" }] });
        else void this.#reply(response, Buffer.concat(chunks).toString());
      });
    });
  }

  /** What is answered to a message: at first, when it is asked again, and so on. */
  on(message: string, ...replies: (string | null)[][]): void {
    this.#replies.set(message, replies);
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** Returns once a stream waits. */
  async held(): Promise<void> {
    while (this.#gates.length === 0) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  release(): void {
    for (const open of this.#gates.splice(0)) open();
  }

  close(): void {
    this.release();
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #reply(response: ServerResponse, body: string): Promise<void> {
    const { messages } = JSON.parse(body) as { messages: { content: string }[] };
    const message = String(messages.at(-1)?.content);
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    for (const piece of this.#replies.get(message)?.shift() ?? [message.toUpperCase()]) {
      if (piece === null) await this.#hold();
      else response.write(event({ delta: { content: piece }, finish_reason: null }));
    }
    response.write(event({ delta: {}, finish_reason: "stop" }));
    response.end("data: [DONE]\n\n");
  }

  async #hold(): Promise<void> {
    const opened = new Promise<void>((resolve) => this.#gates.push(resolve));
    for (const wake of this.#waiters.splice(0)) wake();
    await opened;
  }
}

function event(choice: object): string {
  const chunk = {
    id: "1",
    object: "chat.completion.chunk",
    model: "test-model",
    choices: [{ index: 0, ...choice }],
  };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

function answer(response: ServerResponse, body: object): void {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
}

export class Hub {
  url = "";
  readonly #folder: string;
  #process: ChildProcess | null = null;
  #port = "0";

  /** `settings`: variables of its own. `folder`: an empty one for its data, instead of a copy of the begun one. */
  constructor(
    private readonly tutor: string,
    private readonly settings: Record<string, string> = {},
    folder?: string,
  ) {
    this.#folder = folder ?? mkdtempSync(join(tmpdir(), "tutorhub-web-"));
    chmodSync(this.#folder, 0o755); // PostgreSQL is another user, if this one is root
    const begun = process.env[BEGUN];
    if (folder === undefined && begun !== undefined) execFileSync("cp", ["-a", `${begun}/.`, this.#folder]);
  }

  /** On the port that it had before. */
  async start(): Promise<void> {
    const environment = {
      TUTORHUB_DATA_DIR: this.#folder,
      TUTORHUB_PORT: this.#port,
      TUTORHUB_DEV_SIGN_IN: "1",
      TUTORHUB_DRAIN: "0.2",
      TUTORHUB_JWT_SECRET: "a secret that only tests know, and long enough",
      TUTORHUB_OPENAI_BASE_URL: this.tutor,
      TUTORHUB_OPENAI_MODEL: "test-model",
      TUTORHUB_OPENAI_TRANSCRIPTION_MODEL: "test-ear",
      TUTORHUB_LIMIT_SIGN_INS: "none",
      ...this.settings,
    };
    const started = spawn(PYTHON, ["-m", "server", "serve"], {
      cwd: ROOT,
      env: { ...withoutSettings(process.env), ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = started;
    const complaints: string[] = [];
    started.stderr.on("data", (data: Buffer) => complaints.push(data.toString()));
    for await (const line of createInterface(started.stdout)) {
      const [, url, port] = /listens on (http:\/\/\S+:(\d+))/.exec(line) ?? [];
      if (url === undefined || port === undefined) throw new Error(`the hub says: ${line}`);
      this.url = url;
      this.#port = port;
      return;
    }
    throw new Error(`the hub did not start: ${complaints.join("")}`);
  }

  /** As a crash: nothing of it is left to say goodbye. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** As on a line that has gone slow: it hears nothing and says nothing, until it resumes. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  /** As when its database was lost, and there is no copy: it is started with nothing. */
  async lose(): Promise<void> {
    await this.end();
    for (const name of readdirSync(this.#folder))
      rmSync(join(this.#folder, name), { recursive: true, force: true });
    await this.start();
  }

  /** As by its operator: its data stay. */
  async end(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async close(): Promise<void> {
    await this.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const ended = this.#process;
    this.#process = null;
    if (!ended || ended.exitCode !== null || ended.signalCode !== null) return;
    const exit = once(ended, "exit");
    ended.kill(signal);
    await exit;
  }
}

/** A hub refuses to start with a setting that it does not know, such as where tests find its Python. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("TUTORHUB_")));
}
