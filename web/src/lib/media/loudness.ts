/** How loud a microphone is just now, so that who speaks sees that they are heard. */

/** A voice is seldom louder than a third of what there could be. */
const FULL = 0.33;

export class Loudness {
  readonly #context = new AudioContext();
  readonly #analyser = this.#context.createAnalyser();
  readonly #samples = new Float32Array(this.#analyser.fftSize);

  constructor(sound: MediaStream) {
    this.#context.createMediaStreamSource(sound).connect(this.#analyser);
  }

  /** From 0 to 1. */
  now(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return loudnessOf(this.#samples);
  }

  end(): void {
    void this.#context.close();
  }
}

/** Of samples from -1 to 1. */
export function loudnessOf(samples: Float32Array): number {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(samples.length, 1);
  return Math.min(1, Math.sqrt(power) / FULL);
}
