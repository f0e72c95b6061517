// @vitest-environment node
import { expect, test } from "vitest";
import { Opener, Sealer } from "./frames";
import { FrameKey } from "./sframe";

const base = (seed: number) => new Uint8Array(32).fill(seed);
const frame = (length: number) => new Uint8Array(length).map((_, at) => at);

async function pair(seed = 1, kid = 0): Promise<[Sealer, Opener]> {
  const [sealer, opener] = [new Sealer(), new Opener()];
  sealer.use(await FrameKey.of(base(seed), kid));
  opener.add(await FrameKey.of(base(seed), kid));
  return [sealer, opener];
}

test.each(["audio", "key", "delta"] as const)("a frame comes out as it went in: %s", async (kind) => {
  const [sealer, opener] = await pair();
  const sent = await sealer.out(frame(60), kind, "sealed");
  if (!sent) throw new Error("not sent");
  const clear = { audio: 1, key: 10, delta: 3 }[kind];
  expect([...sent.subarray(0, clear)]).toEqual([...frame(clear)]);
  expect(Buffer.from(sent).includes(Buffer.from(frame(60).subarray(clear)))).toBe(false);
  expect(await opener.in(sent, kind, "sealed")).toEqual(frame(60));
});

test("a frame that comes again is not shown again", async () => {
  const [sealer, opener] = await pair();
  const sent = (await sealer.out(frame(30), "audio", "sealed")) ?? frame(0);
  expect(await opener.in(sent, "audio", "sealed")).toEqual(frame(30));
  expect(await opener.in(sent, "audio", "sealed")).toBeNull();
});

test("nobody else's frame is opened, and nothing unsealed is let through where all must be sealed", async () => {
  const [[sealer], [, opener]] = [await pair(1), await pair(2)];
  const sent = (await sealer.out(frame(30), "audio", "sealed")) ?? frame(0);
  expect(await opener.in(sent, "audio", "sealed")).toBeNull();
  expect(await opener.in(frame(30), "audio", "sealed")).toBeNull();
});

test("without a key nothing goes out where all must be sealed", async () => {
  expect(await new Sealer().out(frame(30), "audio", "sealed")).toBeNull();
  expect(await new Sealer().out(frame(30), "audio", "open")).toEqual(frame(30));
});

test("where not all can be sealed frames pass as they are, and those still sealed are opened", async () => {
  const [sealer, opener] = await pair();
  expect(await opener.in(frame(30), "delta", "open")).toEqual(frame(30));
  const late = (await sealer.out(frame(30), "delta", "sealed")) ?? frame(0);
  expect(await opener.in(late, "delta", "open")).toEqual(frame(30));
});

test("a changed key opens what comes after, the one before what was on its way, an older one nothing", async () => {
  const [sealer, opener] = await pair(1, 0);
  const before = (await sealer.out(frame(30), "audio", "sealed")) ?? frame(0);
  const other = (await sealer.out(frame(30), "audio", "sealed")) ?? frame(0);
  for (const kid of [1, 2]) opener.add(await FrameKey.of(base(9 + kid), kid));
  sealer.use(await FrameKey.of(base(11), 2));
  const after = (await sealer.out(frame(30), "audio", "sealed")) ?? frame(0);
  expect(await opener.in(after, "audio", "sealed")).toEqual(frame(30));
  expect(await opener.in(before, "audio", "sealed")).toEqual(frame(30));
  opener.add(await FrameKey.of(base(12), 3));
  expect(await opener.in(other, "audio", "sealed")).toBeNull();
});
