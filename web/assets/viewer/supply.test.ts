import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeDecoder, FakeServer } from "./fake_server";
import { Frames } from "./frames";
import { Line } from "./line";
import { Previews } from "./previews";
import { type Series, seriesOf } from "./stack";
import { Supply } from "./supply";

let server: FakeServer;
let told: string[];
let line: Line;

function seriesOfLength(length: number): Series {
  const instances = Array.from({ length }, (_unused, at): [string, number, number, number, string] => {
    return [`1.${at + 1}`, 1, 4, 4, ""];
  });
  const [series] = seriesOf({ path: "/s/1", id: "x", series: [{ uid: "8", title: "", modality: "CT", instances }] });
  if (!series) throw new Error("no series");
  return series;
}

function supply(samples = 100_000): Supply {
  line = new Line("x", server.fetch);
  const sources = { line, previews: new Previews(line, 100_000), frames: new Frames(line, new FakeDecoder(), samples) };
  return new Supply(sources, {
    isWorth: () => true,
    pictured: () => undefined,
    sharpened: ({ sop }, _frame, isWhole) => {
      if (isWhole) told.push(`${sop} whole`);
    },
    refused: ({ sop }) => told.push(`${sop} refused`),
    failed: () => told.push("failed"),
  });
}

const at = (series: Series, index: number, direction: 1 | -1 = 1, isPlaying = false) => {
  return { series, index, direction, isPlaying };
};
const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);
const wholes = (): string[] =>
  server.asked.filter((path) => path.endsWith("codestream")).map((path) => `${parseInt(path.slice(2), 10)}`);

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  told = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("first what is looked at, then an idea of the series, then it whole, then what is around", async () => {
  const series = seriesOfLength(100);
  supply().look(at(series, 0));
  await settled();
  const [first, whole, ...rest] = server.asked;
  expect(first).toMatch(/^8: 1,52,100,/);
  expect(first?.split(",").length).toBe(50);
  expect(whole).toBe("1.1/frames/1/codestream");
  expect(rest.filter((path) => path.startsWith("8:")).length).toBeGreaterThan(0);
  expect(wholes(), "one ahead on a line that is not known to be fast").toEqual(["1", "2"]);
});

test("on a fast line more is brought ahead, the nearest first", async () => {
  const fast = supply();
  vi.spyOn(line, "isThin", "get").mockReturnValue(false);
  fast.look(at(seriesOfLength(20), 10));
  await settled();
  expect(wholes()).toEqual(["11", "12", "10", "13", "9", "14", "8"]);
});

test("on a line that is spared nothing comes that nobody looks at", async () => {
  const spared = supply();
  vi.spyOn(line, "isSpared", "get").mockReturnValue(true);
  spared.look(at(seriesOfLength(20), 10));
  await settled();
  expect(wholes()).toEqual(["11"]);
});

test("no more is brought ahead than can be kept", async () => {
  const small = supply(48 * 3);
  vi.spyOn(line, "isThin", "get").mockReturnValue(false);
  small.look(at(seriesOfLength(20), 10));
  await settled();
  expect(wholes()).toEqual(["11", "12", "10"]);
});

test("while the eye moves, pictures come in the direction of travel; where it rests, the whole", async () => {
  const series = seriesOfLength(1000);
  const moving = supply();
  moving.look(at(series, 500));
  await settled();
  server.asked.length = 0;
  moving.look(at(series, 306, -1));
  moving.look(at(series, 305, -1));
  await settled();
  expect(server.asked.slice(1)).toEqual(["8: 303,302,301,300,299,298,297,296,295,294"]);
  moving.look(at(series, 304, -1));
  await settled();
  expect(wholes()).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(wholes()[0]).toBe("305");
});

test("after a jump little is brought along", async () => {
  const series = seriesOfLength(1000);
  const jumping = supply();
  jumping.look(at(series, 500));
  await settled();
  server.asked.length = 0;
  jumping.look(at(series, 302));
  await settled();
  expect(server.asked).toEqual(["8: 303,304,305,306"]);
});

test("what the eye left is broken off", async () => {
  const series = seriesOfLength(1000);
  server.delay = () => new Promise((resolve) => setTimeout(resolve, 1000));
  const moving = supply();
  moving.look(at(series, 0));
  moving.look(at(series, 999));
  expect(server.asked.length, "its picture is on the way").toBe(1);
  moving.look(at(series, 500));
  await vi.advanceTimersByTimeAsync(1500);
  expect(server.asked.slice(1).map((path) => path.split(",")[0])).toEqual(["8: 501", "1.501/frames/1/codestream"]);
  expect(told).toEqual([]);
});

test("where the eye rests, what is only for later gives way", async () => {
  const series = seriesOfLength(100);
  const moving = supply();
  moving.look(at(series, 0));
  await vi.advanceTimersByTimeAsync(0);
  server.delay = () => new Promise((resolve) => setTimeout(resolve, 60_000));
  moving.look(at(series, 1));
  moving.look(at(series, 2));
  await vi.advanceTimersByTimeAsync(200);
  expect(server.asked.at(-1)).toBe("1.3/frames/1/codestream");
});

test("a lost line is tried again, less and less often, until it is there", async () => {
  server.isDown = true;
  const series = seriesOfLength(3);
  const trying = supply();
  trying.look(at(series, 0));
  await vi.advanceTimersByTimeAsync(7500);
  expect(server.asked.length, "at 0, 1, 3 and 7 s").toBe(4);
  expect(told).toEqual(["failed", "failed", "failed", "failed"]);
  server.isDown = false;
  trying.again();
  await settled();
  expect(told.slice(4)).toEqual(["1.1 whole", "1.2 whole"]);
});

test("what plays comes as pictures from where it is, then whole if all of it can be kept", async () => {
  const series = seriesOfLength(30);
  supply().look(at(series, 28, 1, true));
  await settled();
  expect(server.asked[0]?.startsWith("8: 29,30,1,2,")).toBe(true);
  expect(wholes().slice(0, 3)).toEqual(["29", "30", "1"]);
  expect(wholes().length).toBe(30);
  server.asked.length = 0;
  supply(48 * 10).look(at(series, 0, 1, true));
  await settled();
  expect(wholes()).toEqual([]);
});

test("a slice that cannot be shown is asked for once", async () => {
  const refusing = (): Response => Response.json({ error: "Damaged." }, { status: 406 });
  server.answers.set("1.1/frames/1/codestream", refusing);
  server.answers.set("1.1/frames/1/pixels", refusing);
  const series = seriesOfLength(2);
  const one = supply();
  one.look(at(series, 0));
  await settled();
  one.look(at(series, 1));
  one.look(at(series, 0, -1));
  await vi.advanceTimersByTimeAsync(1000);
  expect(told.filter((what) => what.endsWith("refused"))).toEqual(["1.1 refused"]);
});

test("after the end nothing more is asked", async () => {
  server.isDown = true;
  const one = supply();
  one.look(at(seriesOfLength(3), 0));
  await settled();
  one.stop();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.asked.length).toBe(1);
});
