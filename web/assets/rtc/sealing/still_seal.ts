// Single pictures that pass through the server, sealed as frames are, with keys of their own made of the same ones.
import { Opener, type Policy, Sealer } from "./frames";
import { FrameKey, joined } from "./sframe";
import type { Told } from "./worker";

type Bytes = Uint8Array<ArrayBuffer>;

export class StillSeal {
  readonly #sealer = new Sealer();
  readonly #openers = new Map<string, Opener>();
  #policy: Policy = "sealed";
  #work: Promise<unknown> = Promise.resolve();

  /** What the frames' worker is told, too. */
  hear(told: Told): void {
    if (told.tell === "policy") this.#policy = told.policy;
    else if (told.tell === "forget") this.#openers.delete(told.pid);
    else this.#next(() => this.#take(told.pid, told.base, told.kid));
  }

  /** A piece as it may go to the server; null while nobody could open it. Pieces go out in their order. */
  out(piece: Bytes): Promise<Bytes | null> {
    return this.#next(() => this.#sealer.out(piece, "still", this.#policy));
  }

  /** A piece of theirs as it was; null where it is not theirs. */
  in(pid: string, piece: Bytes): Promise<Bytes | null> {
    return this.#next(() => this.#openerOf(pid).in(piece, "still", this.#policy));
  }

  async #take(pid: string | undefined, base: Bytes, kid: number): Promise<void> {
    const about = joined(new TextEncoder().encode("teleconsult stills"), base);
    const key = await FrameKey.of(new Uint8Array(await crypto.subtle.digest("SHA-256", about)), kid);
    if (pid === undefined) this.#sealer.use(key);
    else this.#openerOf(pid).add(key);
  }

  #openerOf(pid: string): Opener {
    const opener = this.#openers.get(pid) ?? new Opener();
    this.#openers.set(pid, opener);
    return opener;
  }

  #next<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }
}
