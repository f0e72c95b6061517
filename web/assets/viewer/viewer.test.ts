import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Frames } from "./frames";
import { seriesOf } from "./stack";
import { type Canvas, Viewer } from "./viewer";
import { type Frame, ownLevel } from "./windowing";

const manifest = {
  path: "/studies/1",
  id: "x",
  series: [
    { uid: "1.8", title: "Axial", modality: "CT", instances: [1, 2, 3].map((n) => [`1.${n}`, 1, 4, 4, ""] as const) },
    { uid: "1.9", title: "Report", modality: "SR", instances: [["2.1", 0, 0, 0, "The file holds no image."] as const] },
  ].map((one) => ({ ...one, instances: one.instances.map((instance) => [...instance] as Instance) })),
};
type Instance = [string, number, number, number, string];

const description = {
  ...{ rows: 4, columns: 4, samples: 1, type: "int16", slope: 1, intercept: 0, is_inverted: false },
  ...{ window_center: 40, window_width: 80 },
};

class FakeCanvas implements Canvas {
  readonly stage = { width: 400, height: 400 };
  readonly drawn: string[] = [];
  setFrame(frame: Frame, level = ownLevel(frame.description)): void {
    this.drawn.push(`frame ${level.center}/${level.width}`);
  }
  setPicture(): void {
    this.drawn.push("picture");
  }
  clear(): void {
    this.drawn.push("clear");
  }
  draw(): void {}
}

const answers = new Map<string, () => Response>();
let canvas: FakeCanvas;
let asked: string[];

function viewer(): Viewer {
  const fetcher = async (path: RequestInfo | URL): Promise<Response> => {
    asked.push(String(path).replace(/\?.*/, ""));
    const special = answers.get(asked.at(-1) ?? "");
    if (special) return special();
    if (String(path).includes("rendered")) return new Response("webp");
    return new Response(new ArrayBuffer(32), { headers: { "Pixel-Description": JSON.stringify(description) } });
  };
  const decode = async (): Promise<ImageBitmap> => ({}) as ImageBitmap;
  return new Viewer(seriesOf(manifest), new Frames("x", fetcher), canvas, () => undefined, decode);
}

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  canvas = new FakeCanvas();
  asked = [];
  answers.clear();
});
afterEach(() => vi.useRealTimers());

test("a picture first, the samples after it, then the neighbours", async () => {
  const shown = viewer();
  shown.start();
  await settled();
  expect(canvas.drawn).toEqual(["picture", "frame 40/80"]);
  expect(shown.shown).toBe("full");
  expect(asked.map((path) => path.replace("/studies/1/instances/", ""))).toEqual([
    "1.1/frames/1/rendered",
    "1.1/frames/1/pixels",
    "1.2/frames/1/pixels",
    "1.3/frames/1/pixels",
  ]);
});

test("a slice that is here already needs no picture, and keeps the window someone chose", async () => {
  const shown = viewer();
  shown.start();
  await settled();
  shown.setLevel({ center: 300, width: 1500 });
  shown.step(1);
  await settled();
  expect(canvas.drawn.at(-1)).toBe("frame 300/1500");
  expect(shown.index).toBe(1);
});

test("who scrolls fast sees the last slice alone", async () => {
  const shown = viewer();
  shown.start();
  shown.step(1);
  shown.step(1);
  await settled();
  expect(shown.index).toBe(2);
  expect(canvas.drawn).toEqual(["picture", "frame 40/80"]);
});

test("what cannot be shown says why, and the rest goes on", async () => {
  answers.set("/studies/1/instances/1.1/frames/1/rendered", () =>
    Response.json({ error: "The file is damaged." }, { status: 406 }),
  );
  const shown = viewer();
  shown.start();
  await settled();
  expect([shown.shown, shown.reason]).toEqual(["hidden", "The file is damaged."]);
  shown.openSeries(1);
  await settled();
  expect([shown.shown, shown.reason]).toEqual(["hidden", "The file holds no image."]);
  shown.openSeries(0);
  shown.step(1);
  await settled();
  expect(shown.shown).toBe("full");
});

test("a lost line is tried again", async () => {
  answers.set("/studies/1/instances/1.1/frames/1/rendered", () => new Response("", { status: 503 }));
  const shown = viewer();
  shown.start();
  await settled();
  expect(shown.shown).toBe("failed");
  answers.clear();
  await vi.advanceTimersByTimeAsync(3000);
  expect(shown.shown).toBe("full");
});

test("playing goes round, through what is here, and stops", async () => {
  const shown = viewer();
  shown.start();
  await settled();
  shown.play();
  await vi.advanceTimersByTimeAsync((1000 / 15) * 4 + 1);
  expect(shown.index).toBe(1);
  shown.pause();
  await vi.advanceTimersByTimeAsync(1000);
  expect(shown.index).toBe(1);
});

test("a new series begins as it was recorded", async () => {
  const shown = viewer();
  shown.start();
  await settled();
  shown.setLevel({ center: 1, width: 2 });
  shown.zoom(3);
  shown.openSeries(1);
  expect([shown.level, shown.view.zoom, shown.index]).toEqual([null, 1, 0]);
});

test("what one looks at can be shown to another", async () => {
  const [one, other] = [viewer(), viewer()];
  one.start();
  other.start();
  await settled();
  one.goTo(2);
  one.zoom(2);
  one.turn();
  one.invert();
  one.setLevel({ center: 300, width: 1500 });
  other.look(one.looking);
  await settled();
  expect(other.looking).toEqual(one.looking);
  expect(other.index).toBe(2);
  other.look({ ...one.looking, series: "unknown" });
  expect(other.looking).toEqual(one.looking);
});
