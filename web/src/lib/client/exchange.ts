/**
 * Commands out, answers in: what a device says, what of it was answered, and what it is told meanwhile. The twin of
 * client/exchange.py.
 *
 * The link moves what is said and heard; this puts it into the timeline, in the order in which it came, before anybody
 * is told. Answers to what another tab has said for this one come through the journal.
 */

import { Answers, type Key, type Settled } from "./answers";
import { between, lastingTime, pageTime } from "./clock";
import { isChange, isLasting, type Repeatable } from "./commands";
import { ConnectionLost, problemOf, type GaveUp } from "./errors";
import { Listeners, type ConnectionState } from "./happenings";
import { Outbox, type Entry, type Journal } from "./outbox";
import { Pages } from "./pages";
import { Timeline } from "./timeline";
import type { Closed } from "./connection";
import type { Accepted, Answer, Command, Event, Refused, Welcome } from "./wire";

/** When a command is said again that can't be done now, unless the hub has said when. */
const AGAIN_AFTER_MS = 1000;
/** So many times as long, so that not all devices come back at once. */
const JITTER = [1, 1.5] as const;
/** Seconds that the tab which speaks for all may take, while this one is in step, before this one takes its place. */
const PATIENCE = 1;

type Once = Extract<Command, { type: "reply.retry" | "session.search" | "session.open" | "typing.set" }>;

/** The journal as an exchange needs it: it is also how tabs speak to each other. */
export interface SharedJournal extends Journal {
  /** What this tab has said for all was answered. */
  answered(id: string, outcome: Settled): void;
  /** The tab that speaks for all does not; this one would. */
  takeOver(): void;
}

/** Of one device. `speak` says a command while there is a connection. */
export class Exchange {
  readonly timeline = new Timeline();
  readonly pages = new Pages(this.timeline);
  readonly listeners = new Listeners();
  readonly outbox: Outbox;
  speak: (command: Command) => void = () => undefined;
  welcome: Welcome | null = null;
  state: ConnectionState = "connecting";
  #end: ConnectionLost | GaveUp | null = null;
  readonly #saidOnce = new Map<number, Once>();
  readonly #answers = new Answers();
  #later: ReturnType<typeof setTimeout> | undefined;
  #impatient: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly who: { id: string; name: string },
    private readonly journal?: SharedJournal,
  ) {
    this.outbox = new Outbox(journal);
  }

  get isInStep(): boolean {
    return this.state === "in_step";
  }

  // Saying.

  /** The answer, however many connections it takes. Rejected with CommandRefused. */
  ask(command: Repeatable): Promise<Answer> {
    if (this.#end) return Promise.reject(this.#end);
    const ref = this.outbox.add(command);
    const answer = this.#answers.to(this.outbox.idOf(ref) ?? ref);
    this.#sayWhatIsDue();
    if (isLasting(command)) this.listeners.tell({ type: "outbox" });
    return answer;
  }

  /** The answer on this connection. Rejected with CommandRefused, ConnectionLost. */
  askOnce(command: Once): Promise<Answer> {
    if (this.#end) return Promise.reject(this.#end);
    if (!this.isInStep) return Promise.reject(new ConnectionLost("There is no connection."));
    const answer = this.#answers.to(command.ref);
    this.sayOnce(command);
    return answer;
  }

  sayOnce(command: Once): void {
    this.#saidOnce.set(command.ref, command);
    this.speak(command);
  }

  forget(message: string): void {
    this.outbox.forgetMessage(message);
    this.listeners.tell({ type: "outbox" });
  }

  #sayWhatIsDue(): void {
    if (!this.isInStep) return;
    const now = lastingTime();
    const due = this.outbox.due(now);
    for (const command of due) {
      this.pages.aboutToSay(command);
      this.speak(command);
    }
    if (due.some(isLasting)) this.listeners.tell({ type: "outbox" });
    this.#sayTheRestLater(now);
    this.#beImpatient();
  }

  /**
   * What the hub could not do is said again when its time has come; until then something else may come first. `now` is
   * when the rest was found not to be due: what falls due since then would be asked for by nobody.
   */
  #sayTheRestLater(now: number): void {
    clearTimeout(this.#later);
    const then = this.outbox.nextDue(now);
    if (then !== null) this.#later = setTimeout(() => this.#sayWhatIsDue(), (then - now) * 1000);
  }

  /** A tab that is asleep, or that has no connection, should not speak for one that is awake and has. */
  #beImpatient(): void {
    if (!this.outbox.waitsForAnother || this.#impatient !== undefined) return;
    this.#impatient = setTimeout(
      () => {
        this.#impatient = undefined;
        if (this.isInStep && this.outbox.waitsForAnother) this.journal?.takeOver();
      },
      between(PATIENCE, 2 * PATIENCE) * 1000,
    );
  }

  #beQuiet(): void {
    clearTimeout(this.#later);
    clearTimeout(this.#impatient);
    this.#impatient = undefined;
  }

  // What the link asks of its owner.

  hello(token: string): Command {
    const { epoch, seq } = this.timeline;
    const since = epoch !== null && { since: { epoch, seq } };
    return { type: "hello", ref: this.outbox.freshRef(), device: this.who, token, ...since };
  }

  renewal(token: string): Command {
    return { type: "auth.refresh", ref: this.outbox.freshRef(), token };
  }

  connecting(): void {
    this.state = "connecting";
    this.listeners.tell({ type: "connecting" });
  }

  /** Apply an event and tell of it. False: something is missing, come back and resume. */
  hear(event: Event): boolean {
    if (!this.#apply(event)) return false;
    this.listeners.tell({ type: "event", event });
    if (event.type === "welcome") this.#catchUp();
    const isLast = event.type === "changes" && !event.more && !this.isInStep;
    if (event.type === "snapshot" || isLast) this.#getInStep();
    return true;
  }

  /** The connection is lost: what was said is said again after the resume, if it may be said twice. */
  away(closed: Closed, backIn: number): void {
    this.state = "away";
    this.#beQuiet();
    this.outbox.lose();
    for (const ref of this.#saidOnce.keys()) {
      this.#answers.fail(ref, new ConnectionLost("The connection broke before the answer came."));
    }
    this.#saidOnce.clear();
    this.listeners.tell({ type: "away", backIn, ...closed });
  }

  /** From now on everything is refused with this. */
  finish(end: ConnectionLost | GaveUp): void {
    if (this.#end) return;
    this.#end = end;
    this.state = "ended";
    this.#beQuiet();
    this.#answers.failAll(end);
  }

  #catchUp(): void {
    this.state = "catching_up";
    this.listeners.tell({ type: "catching_up" });
  }

  #getInStep(): void {
    this.state = "in_step";
    if (this.timeline.epoch !== null) this.outbox.renew(this.timeline.epoch, lastingTime());
    this.#sayWhatIsDue(); // first of all: a hub that has forgotten sessions has them again when they are opened
    for (const session of this.timeline.opened.keys()) {
      if (!this.outbox.asksFor(session))
        this.sayOnce({ type: "session.open", ref: this.outbox.freshRef(), session });
    }
    this.listeners.tell({ type: "in_step" });
  }

  // Hearing.

  #apply(event: Event): boolean {
    switch (event.type) {
      case "welcome":
        this.welcome = event;
        break;
      case "accepted":
        this.#accepted(event);
        return true;
      case "refused":
        return this.#refused(event);
      case "snapshot":
        this.pages.replace(event);
        return true;
    }
    return this.timeline.apply(event, pageTime()) === "applied";
  }

  #accepted({ ref, result }: Accepted): void {
    const command = this.#saidOnce.get(ref) ?? this.outbox.find(ref);
    if (!command) return;
    this.#saidOnce.delete(ref);
    this.pages.take(command, result);
    const id = this.outbox.idOf(ref);
    this.outbox.accept(ref, result, this.timeline.epoch, lastingTime());
    this.#settle(ref, id, { answer: result });
    if (command.type === "session.open") this.listeners.tell({ type: "page", session: command.session });
    if (command.type === "session.list") this.listeners.tell({ type: "page", session: null });
  }

  /** False: it was a page that the device cannot be without. */
  #refused(event: Refused): boolean {
    const { ref } = event;
    if (ref === null) return true;
    const problem = problemOf(event);
    const once = this.#saidOnce.get(ref) ?? null;
    this.#saidOnce.delete(ref);
    const kept = this.outbox.find(ref);
    const asked = once ?? kept;
    const wait = ((problem.retryAfterMs ?? AGAIN_AFTER_MS) / 1000) * between(...JITTER);
    if (this.outbox.postpone(ref, problem, lastingTime() + wait)) {
      this.#sayWhatIsDue();
      return true;
    }
    this.pages.refused(asked);
    const id = this.outbox.idOf(ref);
    const valid = this.outbox.refuse(ref, problem);
    const refused = { problem, ...(kept && isChange(kept) && { change: kept }) };
    this.#settle(ref, id, valid ? refused : { answer: {} });
    return once?.type !== "session.open" || problem.code === "not_found";
  }

  #settle(ref: number, id: string | null, outcome: Settled): void {
    this.#sayWhatIsDue();
    this.#give(id ?? ref, outcome);
    if (id !== null) this.journal?.answered(id, outcome);
    this.listeners.tell({ type: "outbox" });
  }

  #give(key: Key, outcome: Settled): void {
    const isAwaited = this.#answers.give(key, outcome);
    if (isAwaited || !("problem" in outcome) || !outcome.change) return;
    this.listeners.tell({ type: "refused", change: outcome.change, problem: outcome.problem });
  }

  // What other tabs have written into the journal.

  read(entries: Entry[], times = 0): void {
    for (const entry of entries) this.outbox.read(entry, times);
    this.#heardOfOthers();
  }

  readStruck(id: string): void {
    this.outbox.readStruck(id);
    this.#heardOfOthers();
  }

  readSaid(id: string): void {
    this.outbox.readSaid(id);
    this.#heardOfOthers();
  }

  readAnswered(id: string, outcome: Settled): void {
    this.#give(id, outcome);
  }

  /** This tab speaks for all from now on, or no longer. */
  speakForAll(speaks: boolean): void {
    if (this.outbox.speaksForAll === speaks) return;
    this.outbox.speaksForAll = speaks;
    if (this.isInStep && this.timeline.epoch !== null) this.outbox.renew(this.timeline.epoch, lastingTime());
    this.listeners.tell({ type: "sender" });
    this.#heardOfOthers();
  }

  #heardOfOthers(): void {
    this.#sayWhatIsDue();
    this.listeners.tell({ type: "outbox" });
  }
}
