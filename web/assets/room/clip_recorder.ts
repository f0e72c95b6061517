// A clip of one's own camera and microphone, recorded by the browser: bounded, and in memory alone.

export const SECONDS = 60;
/** The server takes no more. */
const MOST_BYTES = 20 * 1024 * 1024;
const BITRATES = { videoBitsPerSecond: 1_500_000, audioBitsPerSecond: 48_000 };
/** The first that the browser writes; Safari writes MP4 alone. */
const FORMS = ["video/webm;codecs=vp8,opus", "video/webm", "video/mp4"];
const PIECE = 1000; // ms

export class ClipRecorder {
  readonly #recorder: MediaRecorder;
  readonly #pieces: Blob[] = [];
  readonly #stream: MediaStream;
  readonly #ticking: ReturnType<typeof setInterval>;
  readonly #begun = performance.now();
  #bytes = 0;

  /** `source` may be muted or dark for the others: copies of its tracks are recorded. Throws where the browser cannot. */
  constructor(
    source: MediaStream,
    private readonly told: { tick: (secondsLeft: number) => void; made: (clip: File | null) => void },
  ) {
    this.#stream = new MediaStream(source.getTracks().map(copied));
    const mimeType = FORMS.find((form) => MediaRecorder.isTypeSupported(form));
    this.#recorder = new MediaRecorder(this.#stream, { ...BITRATES, ...(mimeType && { mimeType }) });
    this.#recorder.addEventListener("dataavailable", ({ data }) => this.#take(data));
    this.#recorder.addEventListener("stop", () => this.#end());
    this.#recorder.start(PIECE);
    this.#ticking = setInterval(() => this.#tick(), PIECE / 4);
  }

  stop(): void {
    if (this.#recorder.state !== "inactive") this.#recorder.stop();
  }

  #tick(): void {
    const left = SECONDS - (performance.now() - this.#begun) / 1000;
    this.told.tick(Math.max(0, Math.ceil(left)));
    if (left <= 0) this.stop();
  }

  #take(piece: Blob): void {
    // What would be too much is left out with all that follows: a file that ends early still plays.
    if (this.#bytes + piece.size > MOST_BYTES) {
      this.#bytes = MOST_BYTES;
      this.stop();
      return;
    }
    this.#bytes += piece.size;
    this.#pieces.push(piece);
  }

  #end(): void {
    clearInterval(this.#ticking);
    for (const track of this.#stream.getTracks()) track.stop();
    const [type = ""] = this.#recorder.mimeType.split(";");
    const name = type === "video/mp4" ? "clip.mp4" : "clip.webm";
    this.told.made(this.#pieces.length > 0 ? new File(this.#pieces, name, { type }) : null);
  }
}

function copied(track: MediaStreamTrack): MediaStreamTrack {
  const copy = track.clone();
  copy.enabled = true;
  return copy;
}
