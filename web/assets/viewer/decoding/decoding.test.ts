import { expect, test } from "vitest";
import { Decoding, type Question, Undecodable } from "./decoding";

/** What the worker would do: it answers with as many samples as it got bytes, or fails. */
class FakeWorker extends EventTarget {
  isEnded = false;
  constructor(private readonly fails = false) {
    super();
  }
  postMessage({ number, codestream }: Question, transferred: ArrayBuffer[]): void {
    if (transferred[0] !== codestream.buffer) throw new Error("copied twice");
    const data = this.fails ? { number, error: "damaged" } : { number, samples: new ArrayBuffer(codestream.length) };
    queueMicrotask(() => this.dispatchEvent(new MessageEvent("message", { data })));
  }
  terminate(): void {
    this.isEnded = true;
  }
}

const asWorker = (fake: FakeWorker): Worker => fake as unknown as Worker;

test("one worker answers all, each its own", async () => {
  const started: FakeWorker[] = [];
  const decoding = new Decoding(() => {
    started.push(new FakeWorker());
    return asWorker(started.at(-1) as FakeWorker);
  });
  expect(started).toEqual([]);
  decoding.warm();
  const whole = Uint8Array.of(1, 2, 3, 4);
  const answers = await Promise.all([decoding.decode(whole.subarray(0, 2), 1), decoding.decode(whole, 0)]);
  expect(answers.map((samples) => samples.byteLength)).toEqual([2, 4]);
  expect(whole.length, "the bytes stay the caller's").toBe(4);
  expect(started.length).toBe(1);
});

test("what it cannot read is an error", async () => {
  const decoding = new Decoding(() => asWorker(new FakeWorker(true)));
  await expect(decoding.decode(new Uint8Array(2), 0)).rejects.toThrow(Undecodable);
});

test("who waits is told when the worker dies or is ended", async () => {
  const worker = new FakeWorker();
  worker.postMessage = () => undefined;
  const decoding = new Decoding(() => asWorker(worker));
  const one = decoding.decode(new Uint8Array(2), 0);
  worker.dispatchEvent(new ErrorEvent("error", { message: "refused", cancelable: true }));
  await expect(one).rejects.toThrow(new Undecodable("refused"));
  const other = decoding.decode(new Uint8Array(2), 0);
  decoding.stop();
  await expect(other).rejects.toThrow(Undecodable);
  expect(worker.isEnded).toBe(true);
});
