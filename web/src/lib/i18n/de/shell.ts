/** Texts of the frame, in German. */
import type { Messages } from "../messages";
import { plural } from "../plural";

const count = plural("de");

export const shell: Messages["shell"] = {
  skip: "Zum Gespräch springen",
  openList: "Sitzungen zeigen",
  openListNews: "Sitzungen zeigen: Es gibt Neues",
  closeList: "Sitzungen verbergen",
  moreToasts: (toasts) => count(toasts, { one: "# weitere Meldung", other: "# weitere Meldungen" }),
  back: "Zurück zum Anfang",
  loading: "Einen Moment …",
  tutor: "Dein Tutor:",
  local: "Kleines lokales Modell, irrt sich oft",
  localShort: "Irrt sich oft",
  settings: "Einstellungen",
  signedInAs: "Angemeldet als",
  theme: "Aussehen",
  themes: { system: "System", light: "Hell", dark: "Dunkel" },
  language: "Sprache",
  devices: "Geräte",
  shortcuts: "Tastenkürzel",
  signOut: "Abmelden",
  unsentTitle: "Jetzt abmelden?",
  unsent: (messages) =>
    count(messages, {
      one: "# Nachricht ist noch nicht gesendet und ginge verloren.",
      other: "# Nachrichten sind noch nicht gesendet und gingen verloren.",
    }),
  unsentChanges: (changes) =>
    count(changes, {
      one: "# Änderung, etwa ein neuer Name oder ein Löschen, ist noch nicht beim Hub und ginge verloren.",
      other: "# Änderungen, etwa neue Namen oder Löschungen, sind noch nicht beim Hub und gingen verloren.",
    }),
  unsentEdits: (edits) =>
    count(edits, {
      one: "# Nachricht wird gerade bearbeitet; was nicht gespeichert ist, ginge verloren.",
      other: "# Nachrichten werden gerade bearbeitet; was nicht gespeichert ist, ginge verloren.",
    }),
  unsentDrafts: (drafts) =>
    count(drafts, {
      one: "# Entwurf ist nicht gesendet und ginge verloren.",
      other: "# Entwürfe sind nicht gesendet und gingen verloren.",
    }),
  unsentFiles: (files) =>
    count(files, {
      one: "# Bild oder Ton ist noch nicht beim Hub und ginge verloren.",
      other: "# Bilder oder Töne sind noch nicht beim Hub und gingen verloren.",
    }),
  signOutAnyway: "Trotzdem abmelden",

  beginTitle: "Was möchtest du lernen?",
  beginText: "Frag in deinen eigenen Worten. Was du hier beginnst, geht auf all deinen Geräten weiter.",
  starters: [
    { title: "Einfach erklärt", text: "Warum ist der Himmel blau und am Abend rot?" },
    { title: "Mit mir üben", text: "Gib mir fünf kurze Aufgaben zum Bruchrechnen, eine nach der anderen." },
    {
      title: "Für die Prüfung üben",
      text: "Stell mir zehn Fragen zur Französischen Revolution und verbessere meine Antworten.",
    },
    {
      title: "Eine Sprache lernen",
      text: "Reden wir in einfachem Spanisch. Verbessere mich nach jedem Satz.",
    },
  ],

  missingTitle: "Diese Sitzung ist nicht zu finden",
  missingText:
    "Vielleicht wurde sie gelöscht, oder sie gehört jemand anderem. Deine anderen stehen in der Liste.",
  deletedTitle: "Diese Sitzung wurde gelöscht",
  deletedText: "30 Tage lang lässt sie sich zurückholen, mit allem, was gesagt wurde.",
  restore: "Zurückholen",
  nothingToRestore: "Es gibt nichts zurückzuholen.",
  nowhereTitle: "Hier ist nichts",
  nowhereText: "Vielleicht ist die Adresse vertippt. Deine Sitzungen stehen in der Liste.",
  failedTitle: "Hier ist etwas schiefgegangen",
  failedText: "Nichts von dir ist verloren. Lade die Seite neu, und es geht weiter, wo es war.",
  reload: "Seite neu laden",
  partMissing:
    "Ein Teil der Seite kam nicht an: Vielleicht gibt es eine neue Version. Was du schreibst, bleibt erhalten.",
  partMissingOffline:
    "Ein Teil der Seite kam nicht an: Du bist offline. Versuche es noch einmal, wenn die Verbindung wieder da ist.",

  signInTitle: "Willkommen",
  signInText: "Wer bist du? Wo ausprobiert wird, ist jeder Name recht.",
  name: "Dein Name",
  signIn: "Anmelden",
  tokenText: "Füge das Token ein, das du bekommen hast.",
  token: "Token",
  useToken: "Ich habe ein Token",
  useName: "Mit einem Namen anmelden",
  noToken: "Das ist kein Token, oder es ist abgelaufen.",
  noNames: "Dieser Hub nimmt ein Token, keinen Namen.",
  unreachable: "Der Hub ist nicht zu erreichen. Prüfe deine Verbindung und versuche es noch einmal.",
  againTitle: "Bitte melde dich noch einmal an",
  againText: "Deine Anmeldung ist zu Ende. Was du gerade schreibst, bleibt erhalten.",
  signedOutText: "Du hast dich abgemeldet, hier oder auf einem anderen Gerät.",
  erasedText: "Das Konto wurde gelöscht, mit allem darin.",
  tooManyTitle: "Zu viele Geräte auf einmal",
  tooManyText: "Schließe einen Tab oder ein anderes Gerät, dann geht es hier weiter.",
  endedTitle: "Der Hub hat die Verbindung beendet",
  connectAgain: "Wieder verbinden",

  offline: "Du bist offline. Du kannst lesen und schreiben: gesendet wird später.",
  reconnecting: "Die Verbindung ist weg. Sie wird wiederhergestellt …",
  reconnectingIn: (seconds) => `Die Verbindung ist weg. Neuer Versuch in ${seconds} s.`,
  retryNow: "Jetzt versuchen",
  catchingUp: "Wird auf den neuesten Stand gebracht …",
  degraded: "Der Hub hat Schwierigkeiten: Antworten kommen vielleicht in einem Stück. Nichts geht verloren.",
  cannotKeep: "Dieser Browser merkt sich nichts: Was nicht gesendet ist, geht mit der Seite verloren.",
  keepsNoMore: "Dieser Browser hat keinen Platz mehr: Was nicht gesendet ist, geht mit der Seite verloren.",
  notChanged: (why) => `Eine Änderung wurde nicht übernommen. ${why}`,

  thisDevice: "Dieses Gerät",
  lastSeen: (time) => `Zuletzt gesehen: ${time}`,
  signOutDevice: (name) => `${name} abmelden`,
  noDevices: "Noch ist kein Gerät bekannt.",

  singleKeys: "Kürzel aus einer einzelnen Taste",
  singleKeysHint: "Schalte sie ab, wenn du per Sprache oder anders eingibst.",
  keys: {
    sheet: "Diese Liste zeigen",
    newSession: "Neue Sitzung",
    search: "Suchen",
    escape: "Antwort anhalten oder schließen, was offen ist",
    move: "Durch die Liste der Sitzungen gehen",
    openSession: "Sitzung öffnen",
    rename: "Sitzung umbenennen",
    delete: "Sitzung löschen",
    more: "Mehr zur Sitzung",
    send: "Senden",
    line: "Neue Zeile",
  },

  problems: {
    reply_running: "Diese Nachricht wird gerade beantwortet. Halte die Antwort an, oder warte ihr Ende ab.",
    rate_limited: "Das war viel auf einmal. Bitte warte einen Moment.",
    budget_spent: "Die Zeit deines Tutors ist vorerst verbraucht. Bitte komm später wieder.",
    too_many_pending: "Dein Tutor ist noch mit deinen anderen Fragen beschäftigt.",
    not_found: "Das gibt es nicht mehr.",
    storage_full: "Der Hub hat keinen Platz mehr. Was da ist, lässt sich lesen.",
    unavailable: "Der Hub antwortet gerade nicht. Bitte versuche es noch einmal.",
    overloaded: "Der Hub hat viel zu tun. Bitte versuche es gleich noch einmal.",
    internal: "Der Hub hat einen Fehler gemacht. Bitte versuche es noch einmal.",
    unauthenticated: "Die Anmeldung wurde nicht angenommen.",
    forbidden: "Das ist nicht erlaubt.",
    idempotency_conflict: "Das wurde mit etwas früher Gesendetem verwechselt. Versuche es noch einmal.",
    not_settled: "Diese Antwort ist noch nicht fertig. Warte ihr Ende ab.",
    sealed_with_missing_key: "Das ist gerade nicht zu lesen. Nichts ist verloren.",
    no_tutor: "Mit diesem Hub ist noch kein Tutor verbunden.",
    silent: "Der Tutor ist mitten in der Antwort verstummt.",
    no_first_token: "Der Tutor hat nicht zu antworten begonnen.",
    interrupted: "Der Tutor wurde zu oft unterbrochen.",
    too_long: "Der Tutor hat zu lange gebraucht.",
    provider_unreachable: "Der Tutor ist gerade nicht zu erreichen.",
    provider_busy: "Der Tutor hat viel zu tun. Versuche es in einer Weile noch einmal.",
    provider_cut: "Der Tutor hat mitten in der Antwort abgebrochen.",
  },
  invalid: {
    blank: "Darin steht kein Text.",
    length: "Das ist leer oder zu lang. Ändere es und versuche es noch einmal.",
    disallowed_character:
      "Darin ist ein Zeichen, das sich nicht speichern lässt. Nimm es heraus und versuche es noch einmal.",
    format: "Darin ist ein Zeichen, das hier nicht geht.",
    unknown_media: "Das Bild oder die Aufnahme gibt es nicht mehr. Füge sie noch einmal hinzu.",
    other: "So kann der Hub das nicht annehmen.",
  },
};
