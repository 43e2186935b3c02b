/** What the page knows of the client, as types; the client itself takes this file's place. */
export type Mode = "fun" | "learn";
export type Trouble = "live" | "storage";
export interface Session {
  id: string;
  userId: string;
  title: string;
  preview?: string;
  language: string;
  mode: Mode;
  createdAt: string;
  updatedAt: string;
  messageCount: number;
  readSeq: number;
  seq: number;
  deletedAt?: string;
}
export interface Metadata {
  timestamp?: string;
  audioUrl?: string;
  imageUrl?: string;
  language?: string;
}
export interface MessageMetadata extends Metadata {
  model?: string;
  truncated?: boolean;
  failure?: { code: string; detail: string; retryable?: boolean };
}
export interface Message {
  id: string;
  sessionId: string;
  position: number;
  type: "assistant" | "user";
  content: string;
  metadata?: MessageMetadata;
  status?: "complete" | "failed" | "pending" | "stopped";
  replyTo?: string;
  createdAt: string;
  seq: number;
  deletedAt?: string;
}
export interface Reply {
  message: string;
  attempt: number;
  next: number;
  text: string;
}
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  retryable?: boolean;
  retryAfterMs?: number;
}
export interface SearchHit {
  session: Session;
  message: string | null;
  excerpt: string;
}
export interface SearchPage {
  hits: SearchHit[];
  cursor: string | null;
}
export interface MessagePage {
  session: Session;
  messages: Message[];
  replies: Reply[];
  before: string | null;
  after: string | null;
}
export interface Sent {
  session: string;
  message: string;
  reply: string;
  position: number;
  seq: number;
}
export interface Welcome {
  type: "welcome";
  seq: number;
  limits: { contentLength: number; titleLength: number; pendingReplies: number };
  tutor: { name: string; local: boolean; note: string };
}
export interface Durable {
  type:
    | "session.added"
    | "session.changed"
    | "session.removed"
    | "message.added"
    | "message.changed"
    | "message.removed"
    | "reply.settled";
  seq: number;
  sessions?: Session[];
  messages?: Message[];
}
export type Event =
  | Durable
  | Welcome
  | { type: "snapshot"; seq: number; sessions: Session[]; cursor: string | null }
  | { type: "changes"; seq: number; sessions: Session[]; messages: Message[] }
  | { type: "token.added"; message: string; text: string }
  | { type: "reply.snapshot"; message: string; text: string }
  | { type: "typing.changed"; session: string; who: string; name: string; active: boolean }
  | { type: "degraded"; what: Trouble[] };

export declare class Timeline {
  epoch: string | null;
  seq: number;
  degraded: Trouble[];
  sessions: Map<string, Session>;
  messages: Map<string, Message>;
  replies: Map<string, Reply>;
  opened: Map<string, number | null>;
  shownSessions(): Session[];
  shownMessages(session: string): Message[];
  textOf(message: Message): string;
  typingIn(session: string, now: number): string[];
}
export declare class GaveUp extends Error {
  code: number;
  reason: string;
}
export type ConnectionState = "connecting" | "catching_up" | "in_step" | "away" | "ended";
export type Happening =
  | { type: "event"; event: Event }
  | { type: "in_step" }
  | { type: "away"; backIn: number; code: number; reason: string }
  | { type: "connecting" }
  | { type: "catching_up" }
  | { type: "outbox" }
  | { type: "ended"; error: GaveUp };
export interface PendingSend {
  session: string;
  message: string;
  content: string;
  metadata?: Metadata;
  state: "queued" | "sent" | "failed";
  problem?: Problem;
}
export interface Device {
  readonly timeline: Timeline;
  readonly state: ConnectionState;
  readonly welcome: Welcome | null;
  readonly backAt: number | null;
  readonly isSender: boolean;
  on(listener: (happening: Happening) => void): () => void;
  retryNow(): void;
  pendingSends(session?: string): PendingSend[];
  forget(message: string): void;
  createSession(o?: { title?: string; mode?: Mode; language?: string; session?: string }): Promise<Session>;
  updateSession(session: string, o: { title?: string; mode?: Mode; language?: string }): Promise<Session>;
  deleteSession(session: string): Promise<void>;
  restoreSession(session: string): Promise<Session>;
  listOlder(): Promise<boolean>;
  search(query: string, before?: string): Promise<SearchPage>;
  open(session: string, o?: { before?: string; limit?: number }): Promise<MessagePage>;
  openOlder(session: string): Promise<boolean>;
  close(session: string): Promise<void>;
  send(session: string, content: string, o?: { metadata?: Metadata; message?: string }): Promise<Sent>;
  edit(message: string, content: string): Promise<Message>;
  delete(message: string): Promise<void>;
  stop(reply: string): Promise<Message>;
  retry(reply: string): Promise<Message>;
  typing(session: string, active: boolean): void;
  markRead(session: string, seq: number): Promise<Session>;
  refresh(token: string): void;
  disconnect(): void;
}
