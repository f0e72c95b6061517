import { beforeEach, expect, test } from "vitest";
import { Undecodable } from "./decoding/decoding";
import { codestream, DESCRIPTION, FakeDecoder } from "./fake_server";
import { Frames, type Sharpening } from "./frames";
import { Line, NotShown } from "./line";

const slice = { path: "/studies/1/instances/2/frames/1", sop: "2", frame: 1, width: 4, height: 4, hidden: "" };
const { signal } = new AbortController();
const plain = (): Response =>
  new Response(new Int16Array(16).fill(7).buffer, { headers: { "Pixel-Description": JSON.stringify(DESCRIPTION) } });
const refusing = (): Response => Response.json({ error: "The file is damaged." }, { status: 406 });

let decoder: FakeDecoder;
let asked: [string, string | null][];

/** Frames whose server answers so, in turn; the last answer stays. */
function frames(...answers: (() => Response)[]): Frames {
  const fetcher: typeof fetch = async (path, init) => {
    const range = new Headers(init?.headers).get("Range");
    asked.push([String(path).replace(slice.path, "").replace("?id=x", ""), range]);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return answer?.() ?? Response.error();
  };
  return new Frames(new Line("x", fetcher), decoder, 1000);
}

/** A body that comes in pieces of ten bytes, each looked at before the next. */
function slowly(response: Response): Response {
  const { headers, status } = response;
  const body = new ReadableStream({
    async start(controller) {
      const bytes = new Uint8Array(await response.arrayBuffer());
      for (let at = 0; at < bytes.length; at += 10) {
        controller.enqueue(bytes.slice(at, at + 10));
        await new Promise((resolve) => setTimeout(resolve));
      }
      controller.close();
    },
  });
  return new Response(body, { headers, status });
}

function watching(isWorth = (_pixels: number) => true): [Sharpening, number[][]] {
  const shown: number[][] = [];
  return [{ isWorth, show: ({ description, samples }) => shown.push([description.columns, samples.length]) }, shown];
}

beforeEach(() => {
  decoder = new FakeDecoder();
  asked = [];
});

test("a frame is fetched and decoded once", async () => {
  const one = frames(codestream);
  expect([one.has(slice), one.held(slice)]).toEqual([false, undefined]);
  const frame = await one.fetch(slice, signal);
  expect([frame.samples.length, frame.samples[0], frame.description.columns]).toEqual([16, 40, 4]);
  expect(await one.fetch(slice, signal)).toBe(frame);
  expect(asked).toEqual([["/codestream", null]]);
  expect(decoder.asked).toEqual([[40, 0]]);
});

test("it sharpens on the way, to sizes that are worth it", async () => {
  const [all, shown] = watching();
  await frames(() => slowly(codestream())).fetch(slice, signal, all);
  expect(shown).toEqual([
    [1, 1],
    [2, 4],
  ]);
  const [larger, seen] = watching((pixels) => pixels > 1);
  await frames(() => slowly(codestream())).fetch(slice, signal, larger);
  expect(seen).toEqual([[2, 4]]);
});

test("after a break it goes on where it was", async () => {
  const one = frames(
    () => codestream(0, 25),
    () => codestream(25),
  );
  await expect(one.fetch(slice, signal)).rejects.toThrow("cut off");
  const frame = await one.fetch(slice, signal);
  expect(frame.samples[0]).toBe(40);
  expect(asked).toEqual([
    ["/codestream", null],
    ["/codestream", "bytes=25-"],
  ]);
});

test("what has changed since is fetched anew", async () => {
  const one = frames(() => codestream(0, 25), codestream);
  await expect(one.fetch(slice, signal)).rejects.toThrow("cut off");
  await one.fetch(slice, signal);
  expect(decoder.asked).toEqual([[40, 0]]);
});

test("what is not coded comes plain, the other frames of it too", async () => {
  const one = frames(refusing, plain);
  expect((await one.fetch(slice, signal)).samples[0]).toBe(7);
  await one.fetch({ ...slice, path: `${slice.path}0` }, signal);
  expect(asked.map(([path]) => path)).toEqual(["/codestream", "/pixels", "0/pixels"]);
});

test("where the decoder fails, all comes plain", async () => {
  decoder.isBroken = new Undecodable("no WebAssembly here");
  const one = frames(codestream, plain);
  expect((await one.fetch(slice, signal)).samples[0]).toBe(7);
  await one.fetch({ ...slice, sop: "3", path: "/other" }, signal);
  expect(asked.map(([path]) => path)).toEqual(["/codestream", "/pixels", "/other/pixels"]);
});

test("what cannot be shown says why, also later", async () => {
  const one = frames(refusing);
  await expect(one.fetch(slice, signal)).rejects.toThrow(NotShown);
  expect(one.refusal(slice)).toBe("The file is damaged.");
});

test("so many of a slice are kept at once", () => {
  expect(frames(plain).roomFor(slice)).toBe(20);
});
