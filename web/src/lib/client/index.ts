/** Everything of the TypeScript client that others may use. README.md shows how. */

export { CloseCode, comesBack } from "./closing";
export type { Change } from "./commands";
export { connect, type Connecting } from "./connect";
export {
  Device,
  type Mode,
  type NewMessage,
  type NewSession,
  type PageOptions,
  type PendingChange,
  type PendingSend,
  type Progress,
  type SessionChange,
} from "./device";
export { CommandRefused, ConnectionLost, GaveUp } from "./errors";
export type { ConnectionState, Happening, Listener } from "./happenings";
export { freshId } from "./ids";
export { Rest, type Uploading } from "./rest";
export { openStore, Store, type Draft } from "./store";
export { sessionKey, Timeline, TYPING_BELIEVED, type Outcome, type Trouble, type Typist } from "./timeline";
export type {
  Answer,
  Command,
  DeviceList,
  DevToken,
  Event,
  Failure,
  FieldError,
  Limits,
  Media,
  MediaLinks,
  Message,
  MessageMetadata,
  MessagePage,
  Metadata,
  Problem,
  Reason,
  Reply,
  SearchHit,
  SearchPage,
  SeenDevice,
  Sent,
  Session,
  SessionPage,
  Snapshot,
  Transcript,
  TutorName,
  Usage,
  Welcome,
} from "./wire";
