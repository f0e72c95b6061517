import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RUNGS } from "../protocol.gen";
import { Assembly, allowance, packed, pieces, Shutter, type StillPiece, Stills, unpacked } from "./stills";

const SOUND = RUNGS.find(({ name }) => name === "stills")?.sound ?? { bitrate: 0, packet: 20, pauses: true };
const picture = (length: number) => new Uint8Array(length).map((_, at) => at % 251);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a picture comes apart, travels and is whole again", async () => {
  const [assembly, sent] = [new Assembly(), picture(2500)];
  const whole = pieces(sent).map((piece) => assembly.take(unpacked(packed(piece).buffer) as StillPiece));
  expect(whole.slice(0, -1)).toEqual([null, null]);
  expect(whole[2]?.type).toBe("image/jpeg");
  expect(whole[2]?.size).toBe(2500);
});

test("one that lacks a piece is dropped, the next is whole", () => {
  const [assembly, all] = [new Assembly(), pieces(picture(3000))];
  const taken = [all[0], all[2], ...all].map((piece) => assembly.take(piece as StillPiece));
  expect(taken.map((one) => one !== null)).toEqual([false, false, false, false, true]);
});

test.each([
  ["text", "index"],
  ["nothing in it", new Uint8Array([0, 1]).buffer],
  ["too long", new Uint8Array(1027).fill(1).buffer],
  ["beyond the last", new Uint8Array([3, 3, 9]).buffer],
])("what is no piece: %s", (_what, message) => {
  expect(unpacked(message)).toBeNull();
});

test.each([
  [null, 5, 8],
  [45_000, 5, 8],
  [64_000, 8, 5.1],
  [90_000, 15, 5],
  [400_000, 15, 5],
])("with an uplink of %s bit/s a picture is %s KB at most, one in %s seconds", (uplink, kilobytes, seconds) => {
  const { size, gap } = allowance(uplink, SOUND);
  expect(size / 1024).toBe(kilobytes);
  expect((gap * kilobytes) / 1000).toBeCloseTo(seconds, 0);
});

test("pictures follow each other, their pieces spread over the time, until it is off", async () => {
  const sent: [number, number][] = [];
  const begun = Date.now();
  const shutter = new Shutter(
    async () => picture(3000),
    ({ index }) => sent.push([Math.round((Date.now() - begun) / 1000), index]),
    () => ({ size: 3072, gap: 2000 }),
  );
  shutter.set(true);
  shutter.set(true);
  await vi.advanceTimersByTimeAsync(9_000);
  expect(sent).toEqual([
    [0, 0],
    [2, 1],
    [4, 2],
    [6, 0],
    [8, 1],
  ]);
  shutter.set(false);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sent).toHaveLength(5);
});

test("pieces go from person to person, else through the server, sealed where there is a seal", async () => {
  const shown: [string, number][] = [];
  let hear: (message: object) => void = () => undefined;
  const client = {
    ask: vi.fn(async () => null),
    hear: (_event: string, take: (message: never) => void) => {
      hear = take as typeof hear;
    },
  };
  const stills = new Stills(client, (pid, { size }) => shown.push([pid, size]));
  const [piece] = pieces(picture(300)) as [StillPiece];
  const still = vi.fn(() => true);
  await stills.send(piece, [{ still }]);
  expect([still.mock.calls.length, client.ask.mock.calls.length]).toEqual([1, 0]);
  await stills.send(piece, [{ still: () => false }]);
  const [[event, message]] = client.ask.mock.calls as unknown as [[string, object]];
  expect(event).toBe("still");
  hear({ sender: "rose", ...message });
  hear({ sender: "rose", ...message, bytes: "?" });
  stills.take("otto", packed(piece).buffer);
  stills.take("otto", "no piece");
  await vi.waitFor(() => expect(shown).toHaveLength(2));
  expect(new Map(shown)).toEqual(
    new Map([
      ["rose", 300],
      ["otto", 300],
    ]),
  );
  const reversed = async (bytes: Uint8Array<ArrayBuffer>) => bytes.slice().reverse();
  const unready = new Stills(client, () => undefined, { out: async () => null, in: async () => null });
  await unready.send(piece, [{}]);
  expect(client.ask).toHaveBeenCalledOnce();
  const sealed = new Stills(client, (pid, { size }) => shown.push([pid, size]), {
    out: reversed,
    in: (_pid, bytes) => reversed(bytes),
  });
  await sealed.send(piece, [{}]);
  const [, [, passed]] = client.ask.mock.calls as unknown as [unknown, [string, { bytes: string }]];
  expect(passed.bytes).not.toBe((message as { bytes: string }).bytes);
  hear({ sender: "luc", ...passed });
  await vi.waitFor(() => expect(shown).toContainEqual(["luc", 300]));
});
