// Rings until it is told to stop: two tones like a telephone's, made here, nothing to download. Browsers let a page sound
// only after its reader pressed something in it: the first press or key anywhere is taken for that.

const TONES = [880, 660]; // Hz
const LOUDNESS = 0.25;
const TONE = 0.4; // s
const ROUND_MS = 2000;

let context: AudioContext | null = null;

/** Be ready to sound. Called once a page. */
export function listenForPress(): void {
  for (const kind of ["pointerdown", "keydown"] as const) {
    addEventListener(kind, () => void unlock(), { capture: true, passive: true });
  }
}

async function unlock(): Promise<void> {
  context ??= new AudioContext();
  if (context.state === "suspended") await context.resume();
}

export class Bell {
  #timer?: ReturnType<typeof setInterval>;
  #title = "";

  constructor(
    private readonly word: string,
    private readonly heard: (sounds: boolean) => void,
  ) {}

  get isRinging(): boolean {
    return this.#timer !== undefined;
  }

  /** Sound, shake and blink, again and again. */
  ring(): void {
    if (this.isRinging) return;
    this.#title = document.title;
    this.#strike();
    this.#timer = setInterval(() => this.#strike(), ROUND_MS);
  }

  stop(): void {
    if (!this.isRinging) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    document.title = this.#title;
    navigator.vibrate?.(0);
  }

  #strike(): void {
    document.title = document.title === this.#title ? `☎ ${this.word}` : this.#title;
    navigator.vibrate?.([400, 200, 400]);
    context ??= new AudioContext(); // some browsers let those sound whose reader uses this site often
    const sounds = context.state === "running";
    for (const [place, frequency] of sounds ? TONES.entries() : []) this.#tone(frequency, place * TONE);
    this.heard(sounds);
  }

  #tone(frequency: number, after: number): void {
    if (!context) return;
    const [tone, gain] = [context.createOscillator(), context.createGain()];
    const at = context.currentTime + after;
    tone.frequency.value = frequency;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(LOUDNESS, at + 0.02);
    gain.gain.setValueAtTime(LOUDNESS, at + TONE - 0.05);
    gain.gain.linearRampToValueAtTime(0, at + TONE);
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + TONE);
  }
}
