// Keeps a viewer with who presents, until its owner moves it: then it lets go, and comes back when asked to.
import type { Looking as Told } from "../../protocol.gen";
import type { Turn } from "../geometry";
import type { Looking, Viewer } from "../viewer";

type Followed = Pick<Viewer, "look" | "looking" | "pause" | "isPlaying">;

export class Following {
  #on = true;
  #latest: Told | null = null;
  /** What the viewer showed after we moved it; null while it is its owner's. */
  #shown: string | null = null;
  #isMoving = false;

  constructor(
    private readonly viewer: Followed,
    private readonly letGo: () => void,
  ) {}

  get isOn(): boolean {
    return this.#on;
  }

  /** Who presents looks at this now. */
  take(looking: Told): void {
    this.#latest = looking;
    if (this.#on) this.#show();
  }

  /** Nobody presents any more, or one does oneself: the viewer stays as it is, and is its owner's. */
  stop(): void {
    this.#latest = null;
    this.#shown = null;
  }

  /** Go along again, from where it stands now. */
  start(): void {
    this.#on = true;
    if (this.#latest) this.#show();
  }

  /** Look by oneself. */
  release(): void {
    this.#on = false;
    this.#shown = null;
  }

  /** The viewer has changed. Where that was its owner, let go. */
  changed(): void {
    if (this.#isMoving || this.#shown === null) return;
    if (!this.viewer.isPlaying && written(this.viewer.looking) === this.#shown) return;
    this.release();
    this.letGo();
  }

  #show(): void {
    if (!this.#latest) return;
    this.#isMoving = true;
    if (this.viewer.isPlaying) this.viewer.pause();
    this.viewer.look(heard(this.#latest));
    this.#shown = written(this.viewer.looking);
    this.#isMoving = false;
  }
}

/** The same for every message and viewer that mean the same. */
export function written({ series, sop, frame, level, view, inverted }: Looking): string {
  const { zoom, x, y, turn } = view;
  return JSON.stringify([series, sop, frame, level && [level.center, level.width], zoom, x, y, turn, inverted]);
}

/** As the viewer takes it. */
export function heard({ series, sop, frame, level, view, inverted }: Told): Looking {
  const { zoom, x, y, turn } = view;
  return { series, sop, frame, level: level ?? null, view: { zoom, x, y, turn: turn as Turn }, inverted };
}
