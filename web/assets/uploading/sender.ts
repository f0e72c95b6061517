// A list of files on its way: looked at, packed and sent two parcels at a time, until nothing is left.
import { type Parcel, parcelOf, together } from "./parcels";
import { Remembered } from "./remembering";
import { deliver, LEAVE, NOT_DICOM, type Receipt, type Refused, Unreadable } from "./sending";
import { type Kind, kindOf, pathOf } from "./sorting";

/** Two, so that the line is busy while the server answers the other. */
const LANES = 2;

/** A parcel on its way, for the eye. */
export interface Moving {
  name: string;
  files: number;
  ratio: number;
}

/** How far everything is. `sent` and `of` count files, `ratio` bytes. */
export interface Standing {
  sent: number;
  of: number;
  ratio: number;
  isWaiting: boolean;
  moving: Moving[];
}

export interface Listener {
  onStanding: (standing: Standing) => void;
  /** Something arrived, or was left out. */
  onReceipt: (receipt: Receipt) => void;
}

export interface Reasons {
  notDicom: string;
  /** Photographs, videos and PDFs where nobody says what they show: a disc is full of its program's pictures. */
  elsewhere: string;
  heic: string;
  unreadable: string;
}

export class Sender {
  readonly #abort = new AbortController();
  readonly #moving = new Map<File[], Moving & { bytes: number; isWaiting: boolean }>();
  readonly #alone = new WeakSet<File>();
  readonly #subjects = new WeakMap<File, string>();
  readonly #remembered: Remembered;
  #adding: Promise<void> = Promise.resolve();
  #lots: File[][] = [];
  #files = 0;
  #bytes = 0;
  #sentFiles = 0;
  #sentBytes = 0;

  constructor(
    private readonly door: string,
    private readonly reasons: Reasons,
    private readonly listener: Listener,
  ) {
    this.#remembered = new Remembered(door);
  }

  /**
   * Take more files; those that are no images are named and left out. They go with the next `run`, or with this one.
   * With a `subject`, what they are said to show, photographs, videos and PDFs are taken too.
   */
  add(files: readonly File[], subject = ""): Promise<void> {
    this.#adding = this.#adding.then(() => this.#sort(files, subject));
    return this.#adding;
  }

  async #sort(files: readonly File[], subject: string): Promise<void> {
    const taken: File[] = [];
    const refused: Refused[] = [];
    for (const file of [...files].sort((a, b) => (pathOf(a) < pathOf(b) ? -1 : 1))) {
      const kind = await kindOf(file).catch(() => null);
      const isCapture = kind === "capture" && subject !== "";
      if (isCapture) this.#subjects.set(file, subject);
      if (kind === "archive" || isCapture) this.#alone.add(file);
      if (kind === "image" || kind === "archive" || isCapture) taken.push(file);
      else if (kind === "heic" && subject) refused.push({ name: file.name, code: kind, reason: this.reasons.heic });
      else if (kind === null) this.#leaveOut(file);
      else if (kind !== "index") refused.push({ name: file.name, code: NOT_DICOM, reason: this.#reason(kind) });
    }
    this.#lots.push(...together(taken, this.#isAlone));
    this.#files += taken.length;
    this.#bytes += sizeOf(taken);
    if (refused.length > 0) this.listener.onReceipt({ refused });
    this.#tell();
  }

  /** Send until nothing is left. Returns how many files went; rejects with the server's words, or with an AbortError. */
  async run(): Promise<number> {
    try {
      for (await this.#adding; this.#lots.length > 0; await this.#adding) {
        await Promise.all(Array.from({ length: LANES }, () => this.#lane()));
      }
    } catch (error) {
      this.#abort.abort(LEAVE);
      throw error;
    }
    return this.#sentFiles;
  }

  /** Stop, and throw away what has only half arrived. */
  cancel(): void {
    this.#abort.abort();
  }

  /** Stop, but go on later: the page is being left. */
  leave(): void {
    this.#abort.abort(LEAVE);
  }

  readonly #leaveOut = (file: File): void => {
    this.listener.onReceipt({ refused: [{ name: file.name, code: "unreadable", reason: this.reasons.unreadable }] });
  };

  #reason(kind: Kind): string {
    return kind === "other" ? this.reasons.notDicom : this.reasons.elsewhere;
  }

  readonly #isAlone = (file: File): boolean => this.#alone.has(file);

  async #lane(): Promise<void> {
    for (let lot = this.#lots.shift(); lot; lot = this.#lots.shift()) {
      if (this.#abort.signal.aborted) throw new DOMException("", "AbortError");
      await this.#deliver(lot, await parcelOf(lot, this.#isAlone, this.#leaveOut));
      this.#sentFiles += lot.length;
      this.#sentBytes += sizeOf(lot);
      this.#tell();
    }
  }

  async #deliver(lot: File[], parcel: Parcel): Promise<void> {
    const moving = { name: lot[0]?.name ?? "", files: lot.length, ratio: 0, bytes: sizeOf(lot), isWaiting: false };
    this.#moving.set(lot, moving);
    this.#tell();
    const subject = lot[0] && this.#subjects.get(lot[0]);
    try {
      const receipt = await deliver(parcel, {
        door: this.door,
        told: subject ? { subject } : {},
        remembered: this.#remembered,
        signal: this.#abort.signal,
        onProgress: (ratio) => {
          moving.ratio = ratio;
          this.#tell();
        },
        onWaiting: (isWaiting) => {
          moving.isWaiting = isWaiting;
          this.#tell();
        },
      });
      this.listener.onReceipt(receipt);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      for (const file of lot) this.#leaveOut(file);
    } finally {
      this.#moving.delete(lot);
    }
  }

  #tell(): void {
    const moving = [...this.#moving.values()];
    const under = moving.reduce((sum, each) => sum + each.ratio * each.bytes, 0);
    this.listener.onStanding({
      sent: this.#sentFiles,
      of: this.#files,
      ratio: this.#bytes > 0 ? Math.min((this.#sentBytes + under) / this.#bytes, 1) : 1,
      isWaiting: moving.length > 0 && moving.every((each) => each.isWaiting),
      moving,
    });
  }
}

function sizeOf(files: readonly File[]): number {
  return files.reduce((sum, file) => sum + file.size, 0);
}
