/** Puts a device together, and keeps it going until it ends. */

import { CloseCode } from "./closing";
import { Device } from "./device";
import { GaveUp } from "./errors";
import { Exchange, type SharedJournal } from "./exchange";
import { Keeper } from "./keeper";
import { Link } from "./link";
import type { Store } from "./store";
import { Notebook, Tabs } from "./tabs";

export interface Connecting {
  /** Where the hub is: http, https, ws or wss. */
  url: string;
  /** What gives a fresh token; called at first, and whenever the held one is of no more use. */
  token: () => Promise<string>;
  /** An id that this browser keeps, and a name for people. */
  who: { id: string; name: string };
  /** Without it everything is forgotten with the page. */
  store?: Store | undefined;
  /** One tab speaks for all of them. True, unless said otherwise, where there is a store and the browser can. */
  tabs?: boolean | undefined;
}

/** A device, that connects from now on, and again after each loss. Throws TypeError if the URL is none. */
export function connect({ url, token, who, store, tabs = true }: Connecting): Device {
  const journal = store && journalOf(store, tabs);
  const exchange = new Exchange(who, journal);
  const link = new Link(url, token, exchange);
  const keeper = store ? new Keeper(store, exchange.timeline, exchange.pages) : null;
  const leave = () => {
    link.leave();
    keeper?.leave();
    if (journal instanceof Tabs) journal.leave();
  };
  const finish = (end: GaveUp) => {
    leave();
    exchange.finish(end);
    exchange.listeners.tell({ type: "ended", error: end });
  };
  exchange.speak = (command) => link.say(command);
  if (keeper) exchange.listeners.add((happening) => keeper.hear(happening));
  exchange.read(store?.entries ?? [], 1);
  if (journal instanceof Tabs) {
    journal.enter(exchange, () => finish(new GaveUp(CloseCode.SIGNED_OUT, "signed out in another tab")));
  }
  void run(link).then((end) => {
    if (end) finish(end);
    if (end?.code === CloseCode.ERASED) void store?.clear();
  });
  return new Device({ exchange, link, keeper, leave });
}

function run(link: Link): Promise<GaveUp | null> {
  return link.run().catch((error: unknown) => new GaveUp(0, String(error)));
}

function journalOf(store: Store, tabs: boolean): SharedJournal {
  const canShare =
    typeof BroadcastChannel !== "undefined" && typeof navigator !== "undefined" && "locks" in navigator;
  return tabs && canShare ? new Tabs(store, navigator.locks) : new Notebook(store);
}
