// What tests of the state share: a hub with its tutor, devices on it, and what is left behind after each test.

import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { Hub, Provider } from "../client/hub";
import { Stage } from "../client/stage";

export class Scene {
  readonly provider = new Provider();
  /** How to leave what a test has begun. */
  readonly leaving: (() => void)[] = [];
  #hub: Hub | null = null;
  #stage: Stage | null = null;

  /** To be made within `describe`. */
  constructor() {
    beforeAll(() => this.#begin(), 60_000);
    afterEach(() => {
      for (const leave of this.leaving.splice(0)) leave();
      this.stage.close();
    });
    afterAll(() => this.#end(), 30_000);
  }

  get hub(): Hub {
    if (this.#hub === null) throw new Error("not begun yet");
    return this.#hub;
  }

  get stage(): Stage {
    return (this.#stage ??= new Stage(this.hub.url));
  }

  async #begin(): Promise<void> {
    // Node paints nothing: a frame is whatever comes next.
    vi.stubGlobal("requestAnimationFrame", (run: () => void) => setTimeout(run));
    vi.stubGlobal("cancelAnimationFrame", clearTimeout);
    vi.stubGlobal("document", { hidden: false, documentElement: {} });
    this.#hub = new Hub(await this.provider.listen());
    await this.#hub.start();
  }

  async #end(): Promise<void> {
    this.provider.close();
    await this.hub.close();
    vi.unstubAllGlobals();
  }
}
