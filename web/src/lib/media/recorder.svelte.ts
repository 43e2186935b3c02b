/** The microphone: asked for, listened to, and let go of again, whatever happens. What was said becomes a file. */
import { MOST_SECONDS } from "./kinds";
import { Loudness } from "./loudness";

type RecorderTrouble = "unsupported" | "refused" | "missing" | "broken";

const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
const ENDINGS: Record<string, string> = { "audio/webm": "webm", "audio/ogg": "ogg", "audio/mp4": "m4a" };
const BITS_PER_SECOND = 32_000;
const TICK = 100;

export class Recorder {
  state = $state<"idle" | "asking" | "recording">("idle");
  trouble = $state<RecorderTrouble | null>(null);
  seconds = $state(0);
  /** How loud it is, from 0 to 1. */
  level = $state(0);
  readonly limit: number;
  readonly #onrecorded: (file: File) => void;
  #recording: MediaRecorder | null = null;
  #isWanted = false;

  /** `onrecorded` is called when it is to be kept, also if that is because of the `limit` in seconds. */
  constructor(onrecorded: (file: File) => void, limit = MOST_SECONDS) {
    this.#onrecorded = onrecorded;
    this.limit = limit;
  }

  async start(): Promise<void> {
    if (this.state !== "idle") return;
    this.trouble = null;
    const type = recordedAs();
    if (type === null) return void (this.trouble = "unsupported");
    this.state = "asking";
    try {
      const sound = await navigator.mediaDevices.getUserMedia({ audio: true });
      if (this.#isAsking()) this.#record(sound, type);
      else letGo(sound);
    } catch (error) {
      this.#fail(troubleOf(error));
    }
  }

  keep(): void {
    this.#end(true);
  }

  cancel(): void {
    this.#end(false);
  }

  /** Whoever leaves is not listened to; what was said is kept. */
  leave(): void {
    this.keep();
    this.trouble = null;
  }

  #end(isWanted: boolean): void {
    if (this.#recording?.state !== "recording") return void (this.state = "idle");
    this.#isWanted = isWanted;
    this.#recording.stop();
  }

  /** It may have been cancelled while the reader was asked. */
  #isAsking(): boolean {
    return this.state === "asking";
  }

  #record(sound: MediaStream, mimeType: string): void {
    try {
      this.#listen(sound, mimeType);
    } catch (error) {
      letGo(sound);
      throw error;
    }
  }

  #listen(sound: MediaStream, mimeType: string): void {
    const pieces: Blob[] = [];
    const recording = new MediaRecorder(sound, { mimeType, audioBitsPerSecond: BITS_PER_SECOND });
    const stopMeasuring = this.#measure(sound);
    recording.ondataavailable = ({ data }) => void pieces.push(data);
    recording.onerror = () => void (this.trouble = "broken");
    recording.onstop = () => {
      stopMeasuring();
      letGo(sound);
      this.#recording = null;
      this.state = "idle";
      if (this.#isWanted && this.trouble === null) this.#onrecorded(fileOf(pieces, mimeType));
    };
    sound.getAudioTracks()[0]?.addEventListener("ended", () => this.keep()); // unplugged: what was said is kept
    recording.start();
    this.#recording = recording;
    this.state = "recording";
  }

  /** Returns how to stop. */
  #measure(sound: MediaStream): () => void {
    const loudness = new Loudness(sound);
    const begin = performance.now();
    this.seconds = 0;
    const timer = setInterval(() => {
      this.level = loudness.now();
      this.seconds = (performance.now() - begin) / 1_000;
      if (this.seconds >= this.limit) this.keep();
    }, TICK);
    return () => {
      clearInterval(timer);
      loudness.end();
      this.level = 0;
    };
  }

  #fail(trouble: RecorderTrouble): void {
    this.trouble = trouble;
    this.state = "idle";
  }
}

/** Null: this browser, or a page that came over an open line, records nothing. */
function recordedAs(): string | null {
  if (typeof MediaRecorder === "undefined" || !("mediaDevices" in navigator)) return null;
  return TYPES.find((type) => MediaRecorder.isTypeSupported(type)) ?? null;
}

function troubleOf(error: unknown): RecorderTrouble {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  return name === "NotFoundError" || name === "OverconstrainedError" ? "missing" : "broken";
}

function letGo(sound: MediaStream): void {
  for (const track of sound.getTracks()) track.stop();
}

function fileOf(pieces: Blob[], mimeType: string): File {
  const type = mimeType.split(";", 1)[0] ?? mimeType;
  return new File(pieces, `recording.${ENDINGS[type] ?? "webm"}`, { type });
}
