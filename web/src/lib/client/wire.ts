/**
 * What is said between a device and the hub.
 *
 * Made from protocol/ by `npm run types`.
 */

/**
 * Why a command or a request was refused; what a program branches on.
 */
export type Reason =
  | "audio_too_long"
  | "budget_spent"
  | "draining"
  | "forbidden"
  | "idempotency_conflict"
  | "image_too_large"
  | "internal"
  | "invalid"
  | "malformed"
  | "method_not_allowed"
  | "not_found"
  | "not_offered"
  | "not_settled"
  | "overloaded"
  | "precondition_failed"
  | "provider_failed"
  | "quota_exceeded"
  | "range_not_satisfiable"
  | "rate_limited"
  | "reply_running"
  | "sealed_with_missing_key"
  | "storage_full"
  | "too_large"
  | "too_many_connections"
  | "too_many_pending"
  | "unauthenticated"
  | "unavailable"
  | "unsupported_media_type";
export type Command =
  | Hello
  | AuthRefresh
  | SessionCreate
  | SessionUpdate
  | SessionDelete
  | SessionRestore
  | SessionList
  | SessionSearch
  | SessionOpen
  | SessionClose
  | MessageList
  | MessageSend
  | MessageEdit
  | MessageDelete
  | ReplyStop
  | ReplyRetry
  | TypingSet
  | ReadMark
  | Ping;
export type Event =
  | Welcome
  | Snapshot
  | Changes
  | SessionAdded
  | SessionChanged
  | SessionRemoved
  | MessageAdded
  | MessageChanged
  | MessageRemoved
  | ReplySettled
  | TokenAdded
  | ReplySnapshot
  | TypingChanged
  | Degraded
  | Draining
  | TokenExpiring
  | Accepted
  | Refused
  | Pong;
export type Answer = Nothing | Sent | Session | Message | SessionPage | MessagePage | SearchPage;

/**
 * The first frame, within 5 s. Without `since` the answer is a snapshot, with it the changes since.
 */
export interface Hello {
  type: "hello";
  device: Device;
  token?: string;
  since?: Cursor;
  ref: number;
}
/**
 * One client of the user: an id it keeps, and a name for people.
 */
export interface Device {
  id: string;
  name: string;
}
/**
 * Where a device stands: the epoch of the numbers, and the last one it has applied.
 */
export interface Cursor {
  epoch: string;
  seq: number;
}
/**
 * A new expiry for this socket; the token must be of the same user.
 */
export interface AuthRefresh {
  type: "auth.refresh";
  token: string;
  ref: number;
}
/**
 * Create a session; with an id of the device's making it can be said twice. Answer: the session.
 */
export interface SessionCreate {
  type: "session.create";
  session?: string;
  title?: string;
  mode?: "fun" | "learn";
  language?: string;
  ref: number;
}
/**
 * Rename, or change mode or language for the next reply. Answer: the session.
 */
export interface SessionUpdate {
  type: "session.update";
  session: string;
  title?: string;
  mode?: "fun" | "learn";
  language?: string;
  ref: number;
}
/**
 * Take a session out of the list; its open replies stop. Answer: the session.
 */
export interface SessionDelete {
  type: "session.delete";
  session: string;
  ref: number;
}
/**
 * Bring a deleted session back, within 30 days. Answer: the session.
 */
export interface SessionRestore {
  type: "session.restore";
  session: string;
  ref: number;
}
/**
 * A page of sessions, the latest first. Answer: SessionPage.
 */
export interface SessionList {
  type: "session.list";
  before?: string;
  limit?: number;
  ref: number;
}
/**
 * Sessions whose title or a message holds all the words; the last word may be a beginning. Answer: SearchPage.
 */
export interface SessionSearch {
  type: "session.search";
  query: string;
  before?: string;
  limit?: number;
  ref: number;
}
/**
 * A page of messages, the last one or the one before a cursor; from now on its live text. Answer: MessagePage.
 */
export interface SessionOpen {
  type: "session.open";
  session: string;
  before?: string;
  limit?: number;
  ref: number;
}
/**
 * No more live text of this session.
 */
export interface SessionClose {
  type: "session.close";
  session: string;
  ref: number;
}
/**
 * A page of messages: the last one, or that before or after a cursor, or around a message. Answer: MessagePage.
 *
 * The session is not opened by it.
 */
export interface MessageList {
  type: "message.list";
  session: string;
  before?: string;
  after?: string;
  around?: string;
  limit?: number;
  ref: number;
}
/**
 * Add a message and its pending reply. The id is the device's; saying it again adds nothing. Answer: Sent.
 */
export interface MessageSend {
  type: "message.send";
  session: string;
  message: string;
  content: string;
  metadata?: Metadata;
  ref: number;
}
/**
 * What a device may say about its message.
 */
export interface Metadata {
  timestamp?: string;
  audioUrl?: string;
  imageUrl?: string;
  language?: string;
}
/**
 * Change the text of a message of the user's. Answer: the message.
 */
export interface MessageEdit {
  type: "message.edit";
  message: string;
  content: string;
  ref: number;
}
/**
 * Leave a tombstone without text; an open reply to it stops. Answer: the message.
 */
export interface MessageDelete {
  type: "message.delete";
  message: string;
  ref: number;
}
/**
 * End an open reply. Answer: the message as it stands.
 *
 * `seen` is the held `next`: no less than that is saved, unless the instance that wrote it was lost.
 */
export interface ReplyStop {
  type: "reply.stop";
  message: string;
  seen?: number;
  ref: number;
}
/**
 * Delete a settled reply and write a new one to the same message. Answer: the new reply.
 */
export interface ReplyRetry {
  type: "reply.retry";
  message: string;
  ref: number;
}
/**
 * Never stored; to be said again every 3 s, believed for 6 s.
 */
export interface TypingSet {
  type: "typing.set";
  session: string;
  active: boolean;
  ref: number;
}
/**
 * Read up to this number; never goes back. Answer: the session.
 */
export interface ReadMark {
  type: "read.mark";
  session: string;
  seq: number;
  ref: number;
}
/**
 * For browsers, which cannot send a websocket ping. Answer: `pong`.
 */
export interface Ping {
  type: "ping";
  ref: number;
}
/**
 * The answer to `hello`. `heartbeatMs`: how often the hub pings; silence of twice that is a lost connection.
 */
export interface Welcome {
  type: "welcome";
  ref: number;
  epoch: string;
  seq: number;
  device: string;
  limits: Limits;
  heartbeatMs: number;
  tutor: TutorName;
}
/**
 * What the hub will take: bytes of a frame, frames at once and a second, code points of a text.
 */
export interface Limits {
  frameBytes: number;
  framesAtOnce: number;
  framesPerSecond: number;
  contentLength: number;
  titleLength: number;
  pendingReplies: number;
}
/**
 * Which tutor answers, as people should see it. `local`: the small model on this machine, often wrong.
 */
export interface TutorName {
  name: string;
  local: boolean;
  note: string;
}
/**
 * Everything a device held is replaced: the first page of sessions as of `seq`.
 */
export interface Snapshot {
  type: "snapshot";
  epoch: string;
  seq: number;
  sessions: Session[];
  cursor: string | null;
}
/**
 * A tutoring conversation. With `deletedAt` it is a tombstone: shown by nobody, restorable for 30 days.
 *
 * An empty title means that none was given yet; the first message names the session.
 * `messageCount` counts the messages and replies that are not deleted.
 */
export interface Session {
  id: string;
  userId: string;
  title: string;
  preview?: string;
  language: string;
  mode: "fun" | "learn";
  createdAt: string;
  updatedAt: string;
  messageCount: number;
  readSeq: number;
  seq: number;
  deletedAt?: string;
}
/**
 * Each row now numbered in (since, seq], so numbers are missing inside: put all, set the cursor to `seq`.
 *
 * `more`: the next page follows by itself.
 */
export interface Changes {
  type: "changes";
  since: number;
  seq: number;
  more: boolean;
  sessions: Session[];
  messages: Message[];
}
/**
 * A durable utterance. An assistant's has a `status` and the message it answers (`replyTo`).
 *
 * With `deletedAt` it is a tombstone without text. A pending reply has no text here: that is in its Reply.
 */
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
/**
 * What is kept about a message: the device's words and the hub's own.
 */
export interface MessageMetadata {
  timestamp?: string;
  audioUrl?: string;
  imageUrl?: string;
  language?: string;
  model?: string;
  usage?: Usage;
  truncated?: boolean;
  failure?: Failure;
}
/**
 * What the provider counted for one reply, in its tokens.
 */
export interface Usage {
  promptTokens?: number;
  completionTokens?: number;
}
/**
 * Why a reply failed, for the person who waited for it.
 */
export interface Failure {
  code: string;
  detail: string;
  retryable?: boolean;
}
/**
 * A new session.
 */
export interface SessionAdded {
  type: "session.added";
  seq: number;
  sessions?: Session[];
  messages?: Message[];
}
/**
 * Renamed, read, restored, or another mode or language.
 */
export interface SessionChanged {
  type: "session.changed";
  seq: number;
  sessions?: Session[];
  messages?: Message[];
}
/**
 * The session is a tombstone now; replies that were open in it are settled in the same event.
 */
export interface SessionRemoved {
  type: "session.removed";
  seq: number;
  sessions?: Session[];
  messages?: Message[];
}
/**
 * The message, its pending reply, and the session.
 */
export interface MessageAdded {
  type: "message.added";
  seq: number;
  sessions?: Session[];
  messages?: Message[];
}
/**
 * A message was edited.
 */
export interface MessageChanged {
  type: "message.changed";
  seq: number;
  sessions?: Session[];
  messages?: Message[];
}
/**
 * It is a tombstone now; a reply that was open to it is settled in the same event.
 */
export interface MessageRemoved {
  type: "message.removed";
  seq: number;
  sessions?: Session[];
  messages?: Message[];
}
/**
 * The reply with its whole text: heals anything lost.
 */
export interface ReplySettled {
  type: "reply.settled";
  seq: number;
  sessions?: Session[];
  messages?: Message[];
}
/**
 * The pieces chunk … next − 1. Append only if the attempt is the held one and `chunk` is the held `next`.
 */
export interface TokenAdded {
  type: "token.added";
  message: string;
  attempt: number;
  chunk: number;
  next: number;
  text: string;
}
/**
 * Replaces what is held of the reply, if the attempt is not lower.
 *
 * Begins every attempt: without text, or with the text that it goes on from.
 */
export interface ReplySnapshot {
  type: "reply.snapshot";
  message: string;
  attempt: number;
  next: number;
  text: string;
}
/**
 * `who` is `tutor` or a device's id, `name` what people call it. Believed for 6 s.
 */
export interface TypingChanged {
  type: "typing.changed";
  session: string;
  who: string;
  name: string;
  active: boolean;
}
/**
 * What does not work as it should just now; nothing is lost by it. Without any: all is well again.
 */
export interface Degraded {
  type: "degraded";
  what: ("live" | "storage")[];
}
/**
 * This instance is leaving: come back in so many milliseconds.
 */
export interface Draining {
  type: "draining";
  reconnectInMs: number;
}
/**
 * Say `auth.refresh` within so many milliseconds, or be closed with 4003.
 */
export interface TokenExpiring {
  type: "token.expiring";
  inMs: number;
}
/**
 * Done and, if it is durable, committed. `result` is what REST would send as its body.
 */
export interface Accepted {
  type: "accepted";
  ref: number;
  result: Nothing | Sent | Session | Message | SessionPage | MessagePage | SearchPage;
}
/**
 * Done; there is nothing to tell.
 */
export interface Nothing {}
/**
 * The receipt of a send, the same each time it is repeated: its ids, its place and its number.
 */
export interface Sent {
  session: string;
  message: string;
  reply: string;
  position: number;
  seq: number;
}
/**
 * Sessions, the latest first; `cursor` asks for the page after (null: there is no more).
 */
export interface SessionPage {
  sessions: Session[];
  cursor: string | null;
}
/**
 * Messages in order of position; `before` asks for the page before, `after` for the page after (null: no more).
 *
 * `replies` holds what is written so far of those that are pending.
 */
export interface MessagePage {
  session: Session;
  messages: Message[];
  replies: Reply[];
  before: string | null;
  after: string | null;
}
/**
 * An open reply as far as it is written: the pieces 0 … next − 1 of this attempt, joined in `text`.
 */
export interface Reply {
  message: string;
  attempt: number;
  next: number;
  text: string;
}
/**
 * The best and latest first; `cursor` asks for the page after (null: there is no more).
 *
 * `similar`: nothing has the very words; these were looked for instead, as likely meant.
 */
export interface SearchPage {
  hits: SearchHit[];
  cursor: string | null;
  similar?: string[];
}
/**
 * A session that matches; `message` is its best and latest message that does, null when only the title does.
 */
export interface SearchHit {
  session: Session;
  message: string | null;
  excerpt: string;
}
/**
 * Not done, or not surely (`unavailable`, `internal`). `ref` is null when the frame had none that could be read.
 */
export interface Refused {
  type: "refused";
  ref: number | null;
  problem: string;
  title: string;
  status: number;
  detail: string;
  code: Reason;
  retryable?: boolean;
  retryAfterMs?: number;
  errors?: FieldError[];
}
/**
 * What is wrong with one field; nested ones are named `outer.inner`.
 */
export interface FieldError {
  field: string;
  code: string;
  message: string;
}
/**
 * The answer to `ping`.
 */
export interface Pong {
  type: "pong";
  ref: number;
}
/**
 * The user's devices, the last seen first; so many as are kept.
 */
export interface DeviceList {
  devices: SeenDevice[];
}
/**
 * A device that the user has signed in with. `seenAt`: when it last connected, or took a fresh token.
 *
 * `current`: it was let in by the token of whoever asks.
 */
export interface SeenDevice {
  id: string;
  name: string;
  firstSeenAt: string;
  seenAt: string;
  current: boolean;
}
/**
 * A token of the development sign-in; it lives for `expiresIn` seconds.
 */
export interface DevToken {
  token: string;
  expiresIn: number;
}
/**
 * A picture or a sound of the user's. `url` is what the metadata of a message names it by.
 *
 * `type` is what it was found to be, and `bytes` what is kept of it: a picture is written anew. A picture has a
 * `width`, a `height` and a `thumbnailUrl`, a sound has its `seconds`.
 */
export interface Media {
  id: string;
  url: string;
  thumbnailUrl?: string;
  type: string;
  bytes: number;
  width?: number;
  height?: number;
  seconds?: number;
  createdAt: string;
}
/**
 * Files, the latest first; `cursor` asks for the page after (null: there is no more).
 */
export interface MediaPage {
  media: Media[];
  cursor: string | null;
}
/**
 * Addresses that open one file to whoever has them, without a token, until `expiresAt`.
 *
 * A sound has no `thumbnailUrl`.
 */
export interface MediaLinks {
  url: string;
  thumbnailUrl: string | null;
  expiresAt: string;
}
/**
 * What is said in a recording, as a program has heard it: it can be wrong. `language` where that was told.
 */
export interface Transcript {
  text: string;
  language?: string;
}
/**
 * RFC 9457. The same object answers a request and, with a `ref`, a command.
 */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: Reason;
  retryable?: boolean;
  retryAfterMs?: number;
  errors?: FieldError[];
}
/**
 * Without an id the Idempotency-Key is it; without that, a fresh one.
 */
export interface NewSession {
  id?: string;
  title?: string;
  mode?: "fun" | "learn";
  language?: string;
}
/**
 * What is left out stays.
 */
export interface SessionChange {
  title?: string;
  mode?: "fun" | "learn";
  language?: string;
}
/**
 * Without an id the Idempotency-Key is it; without that, a fresh one.
 */
export interface NewMessage {
  content: string;
  id?: string;
  metadata?: Metadata;
}
export interface MessageChange {
  content: string;
}
/**
 * The token of this request, and the sockets that it let in; `everywhere`: all tokens issued until now.
 */
export interface SignOut {
  everywhere?: boolean;
}
/**
 * The development sign-in.
 */
export interface SignIn {
  user: string;
}
