// A few of the viewer's decoding workers, each with one slice at a time. Apart from `decoding.ts`, so that the light viewer
// stays one file.
import type { Answer, Question } from "../decoding/decoding";

interface Job {
  question: Question;
  resolve(samples: ArrayBuffer): void;
  reject(error: Error): void;
}

export class Decoders {
  readonly #idle: Worker[];
  readonly #running = new Map<Worker, Job>();
  #waiting: Job[] = [];

  constructor(
    many: number,
    start: () => Worker = () => new Worker(new URL("../decoding/decoder.ts", import.meta.url), { type: "module" }),
  ) {
    this.#idle = Array.from({ length: many }, () => this.#watched(start()));
  }

  /** Little-endian samples, each side halved so many times. Takes the bytes over. */
  decode(codestream: Uint8Array<ArrayBuffer>, halvings: number): Promise<ArrayBuffer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question: { number: 0, codestream, halvings }, resolve, reject });
      if (this.#idle.length + this.#running.size > 0) this.#go();
      else this.stop();
    });
  }

  stop(): void {
    for (const worker of [...this.#idle.splice(0), ...this.#running.keys()]) worker.terminate();
    const left = [...this.#waiting, ...this.#running.values()];
    this.#running.clear();
    this.#waiting = [];
    for (const { reject } of left) reject(new Error("stopped"));
  }

  #watched(worker: Worker): Worker {
    worker.addEventListener("message", ({ data }: MessageEvent<Answer>) => {
      const job = this.#running.get(worker);
      this.#running.delete(worker);
      this.#idle.push(worker);
      if ("samples" in data) job?.resolve(data.samples);
      else job?.reject(new Error(data.error));
      this.#go();
    });
    // One that could not be started never answers: where one cannot, the others cannot.
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.stop();
    });
    return worker;
  }

  #go(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const [worker, job] = [this.#idle.pop(), this.#waiting.shift()];
      if (!worker || !job) return;
      this.#running.set(worker, job);
      worker.postMessage(job.question, [job.question.codestream.buffer]);
    }
  }
}
