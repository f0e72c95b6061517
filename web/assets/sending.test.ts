import { afterEach, expect, test, vi } from "vitest";
import { lots, sendAll, sendLot } from "./sending";

function file(name: string, size: number): File {
  const made = new File(["x"], name);
  Object.defineProperty(made, "size", { value: size });
  return made;
}

const sizes = (files: File[][]): number[][] => files.map((lot) => lot.map((each) => each.size));

test("lots hold at most twenty files", () => {
  const many = Array.from({ length: 45 }, (_, n) => file(`${n}.dcm`, 10));
  expect(lots(many).map((lot) => lot.length)).toEqual([20, 20, 5]);
});

test("lots stay under 32 MB, but a larger file goes alone", () => {
  const files = [file("a", 20e6), file("b", 20e6), file("c", 400e6), file("d", 1)];
  expect(sizes(lots(files))).toEqual([[20e6], [20e6], [400e6], [1]]);
});

test("nothing makes no lot", () => {
  expect(lots([])).toEqual([]);
});

/** Stands for the browser's XMLHttpRequest: the server's side of it is played by the test. */
class Wire {
  static last: Wire;
  upload: { onprogress?: (event: { loaded: number }) => void } = {};
  headers: Record<string, string> = {};
  status = 0;
  response: unknown = null;
  responseType = "";
  body?: FormData;
  onload?: () => void;
  onerror?: () => void;
  onabort?: () => void;
  constructor() {
    Wire.last = this;
  }
  open(): void {}
  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }
  send(body: FormData): void {
    this.body = body;
  }
  abort(): void {
    this.onabort?.();
  }
  answer(status: number, response: unknown): void {
    this.status = status;
    this.response = response;
    this.onload?.();
  }
}

function sending(abort = new AbortController(), onBytes = vi.fn()) {
  vi.stubGlobal("XMLHttpRequest", Wire);
  document.head.innerHTML = '<meta name="csrf-token" content="t0ken">';
  const to = { url: "/studies", name: "files", signal: abort.signal, onBytes };
  return { receipt: sendLot([new File(["abc"], "1.dcm")], to), abort, onBytes };
}

afterEach(() => vi.unstubAllGlobals());

test("a lot carries its files and the page's token, and tells how far it is", async () => {
  const { receipt, onBytes } = sending();
  Wire.last.upload.onprogress?.({ loaded: 2 });
  Wire.last.answer(201, { refused: [{ name: "1.dcm", reason: "Not DICOM." }] });
  expect((await receipt).refused).toEqual([{ name: "1.dcm", reason: "Not DICOM." }]);
  expect(Wire.last.headers["X-CSRF-Token"]).toBe("t0ken");
  expect(Wire.last.body?.get("files")).toMatchObject({ name: "1.dcm" });
  expect(onBytes).toHaveBeenCalledWith(2);
});

test("a refusal is told in the server's words", async () => {
  const { receipt } = sending();
  Wire.last.answer(413, { error: "This is more than we can take." });
  await expect(receipt).rejects.toThrow("This is more than we can take.");
});

test("a stopped lot says so", async () => {
  const { receipt, abort } = sending();
  abort.abort();
  await expect(receipt).rejects.toMatchObject({ name: "AbortError" });
});

test("a queue goes lot by lot, with what is added on the way", async () => {
  vi.stubGlobal("XMLHttpRequest", Wire);
  const queue = Array.from({ length: 21 }, (_, n) => file(`${n}.dcm`, 10));
  const onProgress = vi.fn();
  const onReceipt = vi.fn();
  const to = { url: "/studies", name: "files", signal: new AbortController().signal, onProgress, onReceipt };
  const all = sendAll(queue, to);
  queue.push(file("late.dcm", 10));
  Wire.last.answer(201, {});
  await vi.waitFor(() => expect(onReceipt).toHaveBeenCalledOnce());
  Wire.last.answer(201, {});
  expect(await all).toBe(22);
  expect(onProgress.mock.calls).toEqual([
    [0, 21, 0],
    [20, 22, 200 / 220],
    [22, 22, 1],
  ]);
});
