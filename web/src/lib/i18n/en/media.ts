/** Texts about pictures and sounds. */
export const media = {
  attach: "Add a picture or a sound: one of each",
  attachments: "What goes with the message",
  sending: (name: string) => `Sending ${name}`,
  cancelNamed: (name: string) => `Cancel ${name}`,
  waits: {
    recording: "Your voice is being recorded. Keep the recording or discard it, then send.",
    arrival: "The file is still on its way. Send once it is here.",
    decision: "A file did not arrive. Try it again or remove it, then send.",
  },
  remove: "Remove",
  removeNamed: (name: string) => `Remove ${name}`,
  loading: "On its way …",

  picture: "Picture",
  enlarge: (name: string) => `${name}: show large`,
  pictureMissing: "The picture cannot be shown just now.",
  recording: "Recording",
  soundMissing: "The recording cannot be played just now.",
  play: "Play",
  pause: "Pause",
  position: "Position",
  speed: (speed: number) => `Speed: ${speed} times`,

  writeDown: "Write down",
  writing: "Being written down …",
  nothingSaid: "Nothing was heard in it.",
  notWritten: {
    not_offered: "This tutor cannot write recordings down.",
    provider_failed: "That did not work. Try again in a moment.",
    lost: "There was no answer. Try again once the connection is back.",
  },

  record: "Record your voice",
  recordingNow: "Recording",
  keep: "Keep the recording",
  discard: "Discard the recording",
  microphone: {
    unsupported: "This browser cannot record here. You can add a recording as a file.",
    refused: "The microphone is blocked. Allow it for this page in your browser, then try again.",
    missing: "No microphone was found. Connect one, then try again.",
    broken: "The microphone cannot be used just now. Perhaps another program holds it.",
  },

  readAloud: "Read aloud",
  stopReading: "Stop reading",

  refused: {
    one_of_each: "One picture and one sound go with a message. Send this one with the next.",
    empty: "There is nothing in this file.",
    unsupported_media_type:
      "This kind of file is not taken: pictures (PNG, JPEG, WebP, GIF) and sounds (MP3, M4A, OGG, WebM, WAV) are.",
    too_large: "Pictures and sounds may have 10 MB at most. This one has more.",
    image_too_large: "The picture has too many pixels. Make it smaller and try again.",
    audio_too_long: "The recording is too long: ten minutes is the most.",
    quota_exceeded: "Your files leave no room for this one.",
    not_offered: "Files are not taken here.",
    lost: "The connection broke. Try again.",
  },
};
