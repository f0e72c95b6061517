// Which uploads this browser began, so that the same files chosen again go on where they stopped. Addresses and prints
// only, no names; without storage, files begin anew.

const KEPT_MS = 24 * 3600 * 1000;

interface Begun {
  url: string;
  at: number;
  isWhole: boolean;
}

export class Remembered {
  readonly #key: string;

  constructor(door: string) {
    this.#key = `uploads:${door}`;
  }

  /** The address of this parcel's upload, if it was begun within a day. */
  find(print: string): string | null {
    return this.#all()[print]?.url ?? null;
  }

  begin(print: string, url: string): void {
    this.#change((all) => {
      if (print) all[print] = { url, at: Date.now(), isWhole: false };
    });
  }

  /** It arrived. Chosen once more it is recognised, and not sent again. */
  finish(print: string): void {
    this.#change((all) => {
      const begun = all[print];
      if (begun) begun.isWhole = true;
    });
  }

  forget(print: string): void {
    this.#change((all) => {
      delete all[print];
    });
  }

  get hasUnfinished(): boolean {
    return Object.values(this.#all()).some((begun) => !begun.isWhole);
  }

  #change(change: (all: Record<string, Begun>) => void): void {
    const all = this.#all();
    change(all);
    try {
      if (Object.keys(all).length > 0) localStorage.setItem(this.#key, JSON.stringify(all));
      else localStorage.removeItem(this.#key);
    } catch {
      // full, or forbidden
    }
  }

  #all(): Record<string, Begun> {
    try {
      const all = JSON.parse(localStorage.getItem(this.#key) ?? "{}") as Record<string, Begun>;
      return Object.fromEntries(Object.entries(all).filter(([, begun]) => begun.at > Date.now() - KEPT_MS));
    } catch {
      return {};
    }
  }
}
