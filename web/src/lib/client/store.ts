/** What a device keeps on this machine, under the user's name: so that a reload, or a day offline, loses nothing. */

import type { Message, Reply, Session } from "./wire";

/** The session list as it was at `seq`, from which a device resumes. */
export interface KeptList {
  epoch: string;
  seq: number;
  sessions: Session[];
  /** The key of the last session that is listed, and what asks for those after it; null: there are no more. */
  oldest: string | null;
  older: string | null;
}

/** The last messages of a session, for reading them without a connection. */
export interface KeptMessages {
  messages: Message[];
  replies: Reply[];
}

/** What somebody has begun to write, and when (`Date.now()`). */
export interface Draft {
  text: string;
  at: number;
}

/** It never throws into the page: where nothing can be kept, it remembers until the page is closed. */
export interface Store {
  readonly user: string;
  /** False: storage is full or blocked, and what is written here does not outlive the page. */
  readonly isKept: boolean;
  draft(session: string): Promise<Draft | null>;
  /** The later one counts. False: a later one was there, and stays. */
  keepDraft(session: string, draft: Draft): Promise<boolean>;
  /** Unless it was written after `at`. */
  removeDraft(session: string, at?: number): Promise<void>;
  /** Forget everything of the user's, at sign-out. */
  clear(): Promise<void>;
}

export async function openStore(user: string): Promise<Store> {
  const drafts = new Map<string, Draft>();
  return {
    user,
    isKept: false,
    draft: async (session) => drafts.get(session) ?? null,
    keepDraft: async (session, draft) => {
      if ((drafts.get(session)?.at ?? -Infinity) > draft.at) return false;
      drafts.set(session, draft);
      return true;
    },
    removeDraft: async (session) => {
      drafts.delete(session);
    },
    clear: async () => {
      drafts.clear();
    },
  };
}
