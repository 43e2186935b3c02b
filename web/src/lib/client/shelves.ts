/**
 * Places for values by name, on shelves: IndexedDB, and what takes its place where that is blocked or full. Knows
 * nothing of what it keeps.
 */

const SHELVES = ["lists", "messages", "outbox", "drafts"] as const;
export type Shelf = (typeof SHELVES)[number];

export interface Shelves {
  read(shelf: Shelf, key: string): Promise<unknown>;
  all(shelf: Shelf): Promise<[string, unknown][]>;
  /** Whatever was there. It is kept even if the page goes in this moment; undefined: nothing is there then. */
  put(shelf: Shelf, key: string, value: unknown): Promise<void>;
  clear(...shelves: Shelf[]): Promise<void>;
}

/** Forgotten with the page. */
export class Memory implements Shelves {
  readonly #held = new Map<Shelf, Map<string, unknown>>(SHELVES.map((shelf) => [shelf, new Map()]));

  get isEmpty(): boolean {
    return [...this.#held.values()].every((shelf) => shelf.size === 0);
  }

  async read(shelf: Shelf, key: string): Promise<unknown> {
    return this.#shelf(shelf).get(key);
  }

  async all(shelf: Shelf): Promise<[string, unknown][]> {
    return [...this.#shelf(shelf)];
  }

  async put(shelf: Shelf, key: string, value: unknown): Promise<void> {
    if (value === undefined) this.#shelf(shelf).delete(key);
    else this.#shelf(shelf).set(key, value);
  }

  async clear(...shelves: Shelf[]): Promise<void> {
    for (const shelf of shelves) this.#shelf(shelf).clear();
  }

  has(shelf: Shelf, key: string): boolean {
    return this.#shelf(shelf).has(key);
  }

  #shelf(shelf: Shelf): Map<string, unknown> {
    return this.#held.get(shelf) ?? new Map();
  }
}

/** In IndexedDB. Everything may be rejected: storage is full, blocked, or taken away. */
export class Database implements Shelves {
  private constructor(private readonly database: IDBDatabase) {
    database.onversionchange = () => database.close();
  }

  static async open(name: string): Promise<Database> {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      for (const shelf of SHELVES) request.result.createObjectStore(shelf);
    };
    return new Database(await resultOf(request));
  }

  async read(shelf: Shelf, key: string): Promise<unknown> {
    return resultOf(this.#begin([shelf], "readonly").objectStore(shelf).get(key));
  }

  async all(shelf: Shelf): Promise<[string, unknown][]> {
    const store = this.#begin([shelf], "readonly").objectStore(shelf);
    const [keys, values] = await Promise.all([
      resultOf(store.getAllKeys()),
      resultOf<unknown[]>(store.getAll()),
    ]);
    return keys.map((key, index) => [String(key), values[index]]);
  }

  /** Nobody may be there to hear of the end: the transaction must not wait for that. */
  async put(shelf: Shelf, key: string, value: unknown): Promise<void> {
    const transaction = this.#begin([shelf], "readwrite");
    place(transaction.objectStore(shelf), key, value);
    transaction.commit();
    await doneWith(transaction);
  }

  async clear(...shelves: Shelf[]): Promise<void> {
    const transaction = this.#begin(shelves, "readwrite");
    for (const shelf of shelves) transaction.objectStore(shelf).clear();
    await doneWith(transaction);
  }

  #begin(shelves: Shelf[], mode: IDBTransactionMode): IDBTransaction {
    return this.database.transaction(shelves, mode);
  }
}

function place(store: IDBObjectStore, key: string, value: unknown): void {
  if (value === undefined) store.delete(key);
  else store.put(value, key);
}

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function doneWith(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () => reject(transaction.error);
  });
}
