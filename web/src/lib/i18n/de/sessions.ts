/** Texts about the list of sessions, in German. */
import type { Messages } from "../messages";
import { isolated } from "../isolated";
import { plural } from "../plural";

const count = plural("de");

export const sessions: Messages["sessions"] = {
  title: "Sitzungen",
  list: "Deine Sitzungen",
  untitled: "Neue Sitzung",
  new: "Neue Sitzung",
  search: "Sitzungen durchsuchen",
  clearSearch: "Suche leeren",
  ages: {
    today: "Heute",
    yesterday: "Gestern",
    week: "Letzte 7 Tage",
    month: "Letzte 30 Tage",
    older: "Früher",
  },
  unread: "Neue Antwort",
  answering: "Antwortet …",
  none: "Noch keine Sitzungen",
  noneText: "Deine erste Frage beginnt eine.",
  nothingFound: "Nichts gefunden",
  nothingFoundText: (query) => `In keiner Sitzung kommt „${isolated(query)}“ vor.`,
  similarWords: (words) => `Genau diese Wörter kommen nicht vor. Ähnliche: ${words.join(", ")}`,
  inMessages: "In Gesprächen",
  searching: "Sucht …",
  searchFailed: "Die Suche ging nicht. Namen und Anfänge werden durchsucht.",
  found: (results) => count(results, { one: "# Treffer", other: "# Treffer" }),
  more: "Mehr zeigen",
  actions: (title) => `Mehr zu ${title}`,
  rename: "Umbenennen",
  details: "Einzelheiten",
  newName: "Neuer Name",
  deleted: (title) => `„${isolated(title)}“ wurde gelöscht.`,
  continue: "Fortsetzen",
  viewHistory: "Verlauf ansehen",
  mode: "Modus",
  modes: { fun: "Spaß", learn: "Lernen" },
  language: "Sprache",
  messages: "Nachrichten",
  created: "Begonnen",
  updated: "Letzte Änderung",
};
