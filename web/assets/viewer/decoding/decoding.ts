// Asks the worker that decodes. It is started when it is first needed, so that nothing waits for it before.

export interface Decoder {
  /** Be on the way before there is something to decode. */
  warm(): void;
  /** Little-endian samples of a codestream, or of its beginning, each side halved so many times. Rejects with Undecodable. */
  decode(codestream: Uint8Array<ArrayBuffer>, halvings: number): Promise<ArrayBuffer>;
}

export interface Question {
  number: number;
  codestream: Uint8Array<ArrayBuffer>;
  halvings: number;
}

export type Answer = { number: number } & ({ samples: ArrayBuffer } | { error: string });

interface Waiting {
  resolve(samples: ArrayBuffer): void;
  reject(error: Error): void;
}

/** The decoder could not be started, or could not read what it was given: the samples have to come otherwise. */
export class Undecodable extends Error {}

export class Decoding implements Decoder {
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null = null;
  #asked = 0;

  constructor(
    private readonly start: () => Worker = () =>
      new Worker(new URL("./decoder.ts", import.meta.url), { type: "module" }),
  ) {}

  warm(): void {
    this.#started();
  }

  decode(codestream: Uint8Array<ArrayBuffer>, halvings: number): Promise<ArrayBuffer> {
    return new Promise((resolve, reject) => {
      const number = ++this.#asked;
      this.#waiting.set(number, { resolve, reject });
      const copy = codestream.slice();
      this.#started().postMessage({ number, codestream: copy, halvings } satisfies Question, [copy.buffer]);
    });
  }

  stop(): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#fail("stopped");
  }

  #started(): Worker {
    if (this.#worker) return this.#worker;
    const worker = this.start();
    worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => this.#answered(data));
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#worker = null;
      this.#fail(event.message);
    });
    this.#worker = worker;
    return worker;
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.number);
    this.#waiting.delete(answer.number);
    if ("samples" in answer) waiting?.resolve(answer.samples);
    else waiting?.reject(new Undecodable(answer.error));
  }

  #fail(reason: string): void {
    for (const { reject } of this.#waiting.values()) reject(new Undecodable(reason));
    this.#waiting.clear();
  }
}
