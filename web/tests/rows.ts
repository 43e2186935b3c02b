/** Rows for tests, each with what the test says of it. */
import type { Message, Session } from "../src/lib/client";

export function session(fields: Partial<Session> & { id: string }): Session {
  return {
    userId: "ada",
    title: "",
    language: "en",
    mode: "fun",
    createdAt: "2026-03-01T09:00:00Z",
    updatedAt: "2026-03-01T10:00:00Z",
    messageCount: 0,
    readSeq: 0,
    seq: 1,
    ...fields,
  };
}

export function reply(fields: Partial<Message> & { id: string; sessionId: string }): Message {
  return {
    position: 2,
    type: "assistant",
    content: "",
    createdAt: "2026-03-01T10:00:00Z",
    seq: 1,
    ...fields,
  };
}
