/** Texts of a conversation. */
import { plural } from "../plural";

const count = plural("en");

export const chat = {
  messages: "Messages",
  you: "You",
  tutor: "Tutor",
  earlier: "Earlier messages are on their way …",
  earlierLater: "Earlier messages come once the connection is back.",
  notKept: "This session is not kept on this device. It comes once the connection is back.",
  earlierFailed: "Earlier messages could not be fetched.",
  notFound: "The message you looked for is not in this conversation any more.",

  write: "Message to the tutor",
  placeholder: "Ask, or say what you think …",
  placeholderBusy: "Keep asking: the tutor answers one after the other …",
  send: "Send",
  stop: "Stop",
  stopHint: "Stop the answer (Esc)",
  picture: "Please look at this picture.",
  recording: "Please listen to this recording.",
  count: (length: string, limit: string) => `${length} of ${limit} characters`,
  tooLong: (over: number) =>
    `${count(over, { one: "# character too long", other: "# characters too long" })} to send. It is kept here: shorten it, or send it in parts.`,

  sending: "Sending …",
  queued: "Sent once the connection is back",
  postponed: "The hub is busy. It is sent again by itself.",
  failed: "Not sent.",
  failedOutOfSight: "A message of yours was not sent.",
  show: "Show it",
  mediaGone: "Its picture or recording is not there any more.",
  sendWithout: "Send without it",
  takeBack: "Back to the composer",
  thinking: "The tutor is thinking …",
  waiting: "This answer comes after the one before.",
  stopped: "This answer was stopped.",
  truncated: "The answer was cut off where it grew too long.",
  broken: "The tutor could not answer.",
  regenerate: "Answer anew",

  actions: "What to do with this message",
  edit: "Edit",
  editing: "Edit your message",
  editLost: "The message that you were editing was deleted.",
  save: "Save",
  saveAndAsk: "Save and answer anew",
  askLater: "You can save it now. An answer can be asked for anew once the connection is back.",
  deleted: "Message deleted.",

  latest: "To the latest",
  newMessages: (messages: number) => count(messages, { one: "# new message", other: "# new messages" }),
  typingOn: (names: string) => `Typing on ${names} …`,

  answering: "The tutor is answering.",
  answered: (text: string) => `The tutor: ${text}`,
  answerStopped: (text: string) => `Stopped. The tutor: ${text}`,

  mode: "How the tutor answers",
  funMeans: "Playful: stories, surprises and examples.",
  learnMeans: "Thorough: step by step, with questions back.",
  language: "The tutor's language",

  lost: "The connection broke before an answer came. Look whether it was done before you try again.",
  occupied:
    "Another picture or sound is in the composer. Send it or take it off, then this message has room there.",
  full: (limit: number) =>
    `${count(limit, { one: "# question is", other: "# questions are" })} waiting for the tutor already. Your text is kept: send it after the next answer, or stop one.`,
};
