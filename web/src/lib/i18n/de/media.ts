/** Texts about pictures and sounds, in German. */
import type { Messages } from "../messages";

export const media: Messages["media"] = {
  attach: "Bild oder Ton anhängen: je eines",
  attachments: "Was zur Nachricht gehört",
  sending: (name) => `${name} wird gesendet`,
  cancelNamed: (name) => `${name} abbrechen`,
  waits: {
    recording: "Deine Stimme wird gerade aufgenommen. Behalte oder verwirf die Aufnahme, dann sende.",
    arrival: "Die Datei ist noch unterwegs. Sende, sobald sie da ist.",
    decision: "Eine Datei ist nicht angekommen. Versuche es noch einmal oder entferne sie, dann sende.",
  },
  remove: "Entfernen",
  removeNamed: (name) => `${name} entfernen`,
  loading: "Kommt gleich …",

  picture: "Bild",
  enlarge: (name) => `${name}: groß zeigen`,
  pictureMissing: "Das Bild lässt sich gerade nicht zeigen.",
  recording: "Aufnahme",
  soundMissing: "Die Aufnahme lässt sich gerade nicht abspielen.",
  play: "Abspielen",
  pause: "Anhalten",
  position: "Stelle",
  speed: (speed) => `Tempo: ${speed}-fach`,

  writeDown: "Aufschreiben",
  writing: "Wird aufgeschrieben …",
  nothingSaid: "Darin war nichts zu hören.",
  notWritten: {
    not_offered: "Dieser Tutor kann Aufnahmen nicht aufschreiben.",
    provider_failed: "Das hat nicht geklappt. Versuche es gleich noch einmal.",
    lost: "Es kam keine Antwort. Versuche es noch einmal, wenn die Verbindung wieder da ist.",
  },

  record: "Stimme aufnehmen",
  recordingNow: "Aufnahme läuft",
  keep: "Aufnahme behalten",
  discard: "Aufnahme verwerfen",
  microphone: {
    unsupported: "Dieser Browser kann hier nicht aufnehmen. Du kannst eine Aufnahme als Datei anhängen.",
    refused: "Das Mikrofon ist gesperrt. Erlaube es dieser Seite im Browser und versuche es noch einmal.",
    missing: "Kein Mikrofon gefunden. Schließe eines an und versuche es noch einmal.",
    broken: "Das Mikrofon ist gerade nicht zu gebrauchen. Vielleicht benutzt es ein anderes Programm.",
  },

  readAloud: "Vorlesen",
  stopReading: "Nicht weiter vorlesen",

  refused: {
    one_of_each: "Zu einer Nachricht gehören ein Bild und ein Ton. Sende diese Datei mit der nächsten.",
    empty: "In dieser Datei ist nichts.",
    unsupported_media_type:
      "Diese Art von Datei geht nicht: Bilder (PNG, JPEG, WebP, GIF) und Töne (MP3, M4A, OGG, WebM, WAV) gehen.",
    too_large: "Bilder und Töne dürfen höchstens 10 MB haben. Diese Datei hat mehr.",
    image_too_large: "Das Bild hat zu viele Bildpunkte. Mach es kleiner und versuche es noch einmal.",
    audio_too_long: "Die Aufnahme ist zu lang: höchstens zehn Minuten.",
    quota_exceeded: "Deine Dateien lassen dieser keinen Platz.",
    not_offered: "Dateien werden hier nicht angenommen.",
    lost: "Die Verbindung ist abgebrochen. Versuche es noch einmal.",
  },
};
