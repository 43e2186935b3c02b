/**
 * The sign-in as it is filled in: a name, or a token where the hub takes none. Until it is asked, nobody can tell which;
 * but a hub takes names only on its own machine, so that elsewhere one begins with the token.
 */
import { CommandRefused } from "../client";
import { explained } from "../i18n/explained";
import { t } from "../i18n/index.svelte";
import type { App } from "../shell/app.svelte";
import { excuse } from "../shell/excuse";

export function hasNames(host = location.hostname): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host);
}

export class SignInStore {
  user = $state("");
  token = $state("");
  asksToken = $state(false);
  problem = $state("");
  isBusy = $state(false);
  readonly #app: Pick<App, "signIn" | "signInWith">;

  constructor(app: Pick<App, "signIn" | "signInWith">, user: string, asksToken: boolean) {
    this.#app = app;
    this.user = user;
    this.asksToken = asksToken;
  }

  turn(): void {
    this.asksToken = !this.asksToken;
    this.problem = "";
  }

  async submit(): Promise<void> {
    this.isBusy = true;
    this.problem = "";
    try {
      if (this.asksToken) await this.#byToken();
      else await this.#app.signIn(this.user.trim());
    } catch (error) {
      this.#excuse(error);
    } finally {
      this.isBusy = false;
    }
  }

  #takesNoName(): void {
    this.asksToken = true;
    this.problem = t().shell.noNames;
  }

  async #byToken(): Promise<void> {
    if (!(await this.#app.signInWith(this.token.trim()))) this.problem = t().shell.noToken;
  }

  #excuse(error: unknown): void {
    excuse(error);
    if (!(error instanceof CommandRefused)) this.problem = t().shell.unreachable;
    else if (error.problem.status === 404) this.#takesNoName();
    else this.problem = explained(error.problem);
  }
}
