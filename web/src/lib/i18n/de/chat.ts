/** Texts of a conversation, in German. */
import type { Messages } from "../messages";
import { plural } from "../plural";

const count = plural("de");

export const chat: Messages["chat"] = {
  messages: "Nachrichten",
  you: "Du",
  tutor: "Tutor",
  earlier: "Frühere Nachrichten kommen gleich …",
  earlierLater: "Frühere Nachrichten kommen, sobald die Verbindung wieder steht.",
  notKept:
    "Diese Sitzung ist auf diesem Gerät nicht gespeichert. Sie kommt, sobald die Verbindung wieder steht.",
  earlierFailed: "Frühere Nachrichten konnten nicht geholt werden.",
  notFound: "Die gesuchte Nachricht ist nicht mehr in diesem Gespräch.",

  write: "Nachricht an den Tutor",
  placeholder: "Frag, oder sag, was du denkst …",
  placeholderBusy: "Frag weiter: Der Tutor antwortet der Reihe nach …",
  send: "Senden",
  stop: "Anhalten",
  stopHint: "Antwort anhalten (Esc)",
  picture: "Bitte sieh dir dieses Bild an.",
  recording: "Bitte hör dir diese Aufnahme an.",
  count: (length, limit) => `${length} von ${limit} Zeichen`,
  tooLong: (over) =>
    `${count(over, { one: "# Zeichen", other: "# Zeichen" })} zu lang zum Senden. Der Text bleibt hier: Kürze ihn, oder sende ihn in Teilen.`,

  sending: "Wird gesendet …",
  queued: "Wird gesendet, sobald die Verbindung wieder steht",
  postponed: "Der Hub ist beschäftigt. Es wird von selbst noch einmal gesendet.",
  failed: "Nicht gesendet.",
  failedOutOfSight: "Eine Nachricht von dir wurde nicht gesendet.",
  show: "Zeigen",
  mediaGone: "Das Bild oder die Aufnahme dazu gibt es nicht mehr.",
  sendWithout: "Ohne Anhang senden",
  takeBack: "Zurück ins Eingabefeld",
  thinking: "Der Tutor denkt nach …",
  waiting: "Diese Antwort kommt nach der vorigen.",
  stopped: "Diese Antwort wurde angehalten.",
  truncated: "Die Antwort wurde abgeschnitten, weil sie zu lang wurde.",
  broken: "Der Tutor konnte nicht antworten.",
  regenerate: "Neu antworten",

  actions: "Was du mit dieser Nachricht tun kannst",
  edit: "Bearbeiten",
  editing: "Deine Nachricht bearbeiten",
  editLost: "Die Nachricht, die du gerade geändert hast, wurde gelöscht.",
  save: "Speichern",
  saveAndAsk: "Speichern und neu antworten",
  askLater: "Speichern geht schon jetzt. Neu beantwortet wird, wenn die Verbindung wieder da ist.",
  deleted: "Nachricht gelöscht.",

  latest: "Zum Neuesten",
  newMessages: (messages) => count(messages, { one: "# neue Nachricht", other: "# neue Nachrichten" }),
  typingOn: (names) => `Es wird getippt auf ${names} …`,

  answering: "Der Tutor antwortet.",
  answered: (text) => `Der Tutor: ${text}`,
  answerStopped: (text) => `Angehalten. Der Tutor: ${text}`,

  mode: "Wie der Tutor antwortet",
  funMeans: "Verspielt: Geschichten, Überraschungen und Beispiele.",
  learnMeans: "Gründlich: Schritt für Schritt, mit Rückfragen.",
  language: "Sprache des Tutors",

  lost: "Die Verbindung brach ab, bevor eine Antwort kam. Sieh nach, ob es geschehen ist, bevor du es noch einmal versuchst.",
  occupied:
    "Im Eingabefeld hängt schon ein anderes Bild oder ein anderer Ton. Sende oder entferne es, dann ist dort Platz für diese Nachricht.",
  full: (limit) =>
    `${count(limit, { one: "# Frage wartet", other: "# Fragen warten" })} schon auf den Tutor. Dein Text bleibt: Sende ihn nach der nächsten Antwort, oder halte eine an.`,
};
