import { expect, test } from "vitest";
import type { Question } from "../decoding/decoding";
import { Decoders } from "./decoders";

/** Answers with as many samples as it got bytes; fails on one byte, and cannot be started where `isBroken`. */
class FakeWorker extends EventTarget {
  static busy = 0;
  static busiest = 0;
  isEnded = false;
  constructor(isBroken = false) {
    super();
    if (isBroken) queueMicrotask(() => this.dispatchEvent(new ErrorEvent("error", { cancelable: true })));
  }
  postMessage({ codestream }: Question): void {
    FakeWorker.busiest = Math.max(FakeWorker.busiest, ++FakeWorker.busy);
    const length = codestream.length;
    setTimeout(() => {
      FakeWorker.busy--;
      const data = length === 1 ? { number: 0, error: "damaged" } : { number: 0, samples: new ArrayBuffer(length) };
      this.dispatchEvent(new MessageEvent("message", { data }));
    });
  }
  terminate(): void {
    this.isEnded = true;
  }
}

const started =
  (workers: FakeWorker[], isBroken = false) =>
  (): Worker => {
    workers.push(new FakeWorker(isBroken));
    return workers.at(-1) as unknown as Worker;
  };

test("each worker has one at a time, and all are answered", async () => {
  const workers: FakeWorker[] = [];
  const decoders = new Decoders(2, started(workers));
  const answers = await Promise.all([2, 3, 4, 5].map((length) => decoders.decode(new Uint8Array(length), 0)));
  expect(answers.map((samples) => samples.byteLength)).toEqual([2, 3, 4, 5]);
  expect([workers.length, FakeWorker.busiest]).toEqual([2, 2]);
  await expect(decoders.decode(new Uint8Array(1), 0)).rejects.toThrow("damaged");
  await decoders.decode(new Uint8Array(2), 0);
});

test("nobody waits for workers that could not be started or were stopped", async () => {
  const broken = new Decoders(2, started([], true));
  await expect(broken.decode(new Uint8Array(2), 0)).rejects.toThrow("stopped");
  await expect(broken.decode(new Uint8Array(2), 0)).rejects.toThrow("stopped");
  const workers: FakeWorker[] = [];
  const decoders = new Decoders(1, started(workers));
  const waiting = decoders.decode(new Uint8Array(2), 0);
  decoders.stop();
  await expect(waiting).rejects.toThrow("stopped");
  expect(workers[0]?.isEnded).toBe(true);
});
