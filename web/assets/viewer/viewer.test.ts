import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeDecoder, FakeServer } from "./fake_server";
import type { Film, Showing } from "./film";
import { Frames } from "./frames";
import { Line } from "./line";
import { Previews } from "./previews";
import { seriesOf } from "./stack";
import { type Canvas, Viewer } from "./viewer";
import { type Frame, ownLevel } from "./windowing";

const manifest = {
  path: "/studies/1",
  id: "x",
  films: ["3.1"],
  series: [
    { uid: "1.8", title: "Axial", modality: "CT", instances: [1, 2, 3].map((n) => [`1.${n}`, 1, 4, 4, ""] as const) },
    { uid: "1.7", title: "Heart", modality: "US", instances: [["3.1", 60, 4, 4, ""] as const] },
    { uid: "1.9", title: "Report", modality: "SR", instances: [["2.1", 0, 0, 0, "The file holds no image."] as const] },
  ].map((one) => ({ ...one, instances: one.instances.map((instance) => [...instance] as Instance) })),
};
type Instance = [string, number, number, number, string];

class FakeCanvas implements Canvas {
  readonly stage = { width: 400, height: 400 };
  readonly drawn: string[] = [];
  setFrame(frame: Frame, level = ownLevel(frame.description)): void {
    this.drawn.push(`frame ${level.center}/${level.width}`);
  }
  setPicture(): void {
    this.drawn.push("picture");
  }
  setFilm(): void {
    this.drawn.push("film");
  }
  clear(): void {
    this.drawn.push("clear");
  }
  draw(): void {}
}

class FakeFilm implements Film {
  showing: Showing | null = null;
  play(showing: Showing): void {
    this.showing = showing;
  }
  setSpeed(): void {}
  stop(): void {
    this.showing = null;
  }
  /** The picture that is on after so many seconds. */
  show(seconds: number): void {
    this.showing?.shown({} as CanvasImageSource, { width: 640, height: 480 }, seconds);
  }
}

let canvas: FakeCanvas;
let server: FakeServer;
let film: FakeFilm;

function viewer(): Viewer {
  const line = new Line("x", server.fetch);
  const frames = new Frames(line, new FakeDecoder(), 10_000);
  const sources = { line, previews: new Previews(line, 1000), frames, film: () => film };
  const decode = async (): Promise<ImageBitmap> => ({ width: 2, height: 2, close: () => undefined }) as ImageBitmap;
  return new Viewer(seriesOf(manifest), sources, canvas, () => undefined, decode);
}

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  canvas = new FakeCanvas();
  server = new FakeServer();
  film = new FakeFilm();
});
afterEach(() => vi.useRealTimers());

test("a picture first, the samples after it", async () => {
  const shown = viewer();
  shown.start();
  expect(shown.shown).toBe("nothing");
  await settled();
  expect(canvas.drawn).toEqual(["picture", "frame 40/80"]);
  expect(shown.shown).toBe("full");
  expect(shown.whole?.samples.length).toBe(16);
  expect(server.asked.slice(0, 2)).toEqual(["1.8: 1,2,3", "1.1/frames/1/codestream"]);
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

test("who scrolls fast sees pictures, and the samples where they stop", async () => {
  const shown = viewer();
  server.answers.set("codestream", () => new Response("", { status: 503 }));
  shown.start();
  await settled();
  server.answers.clear();
  shown.step(1);
  shown.step(1);
  await settled();
  expect([shown.index, shown.shown]).toEqual([2, "preview"]);
  await vi.advanceTimersByTimeAsync(200);
  expect(shown.shown).toBe("full");
  const wholes = server.asked.filter((path) => path.endsWith("codestream") && !path.startsWith("1.1/"));
  expect(wholes[0]).toBe("1.3/frames/1/codestream");
});

test("what cannot be shown says why, and the rest goes on", async () => {
  const refusing = (): Response => Response.json({ error: "The file is damaged." }, { status: 406 });
  server.answers.set("1.1/frames/1/codestream", refusing);
  server.answers.set("1.1/frames/1/pixels", refusing);
  const shown = viewer();
  shown.start();
  await settled();
  expect([shown.shown, shown.reason]).toEqual(["hidden", "The file is damaged."]);
  shown.openSeries(2);
  await settled();
  expect([shown.shown, shown.reason]).toEqual(["hidden", "The file holds no image."]);
  shown.openSeries(0);
  shown.step(1);
  await vi.advanceTimersByTimeAsync(200);
  expect(shown.shown).toBe("full");
});

test("a lost line is tried again, and what is here stays", async () => {
  server.isDown = true;
  const shown = viewer();
  shown.start();
  await settled();
  expect(shown.shown).toBe("failed");
  server.isDown = false;
  await vi.advanceTimersByTimeAsync(1000);
  expect(shown.shown).toBe("full");
  server.isDown = true;
  shown.goTo(2);
  await settled();
  expect(shown.shown, "its picture came before").not.toBe("failed");
});

test("a preview that nothing better follows says so", async () => {
  server.answers.set("codestream", () => new Response("", { status: 503 }));
  const shown = viewer();
  shown.start();
  await settled();
  expect([shown.shown, shown.whole]).toEqual(["preview", null]);
  server.answers.clear();
  shown.reconnect();
  await settled();
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
  shown.openSeries(2);
  expect([shown.level, shown.view.zoom, shown.index]).toEqual([null, 1, 0]);
});

test("the form of pixels is that of the series it was told of, whatever is shown by then", () => {
  const shown = viewer();
  shown.openSeries(2);
  shown.learn("1.8", [{ aspect: 2 }, { aspect: 2 }, { aspect: 2 }]);
  expect(shown.image.aspect).toBe(1);
  shown.openSeries(0);
  expect(shown.image.aspect).toBe(2);
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

test("a video plays as a preview, brings nothing else, and the very frame follows where it stops", async () => {
  server.answers.set("previews", () => new Response("", { status: 503 }));
  const shown = viewer();
  shown.openSeries(1);
  await settled();
  shown.learn("1.7", Array(60).fill({ rate: 30 }));
  const before = server.asked.length;
  shown.play();
  film.show(0.5);
  await settled();
  expect([shown.index, shown.shown, shown.whole, shown.seen]).toEqual([15, "preview", null, null]);
  expect(canvas.drawn.at(-1)).toBe("film");
  expect(server.asked.length).toBe(before);
  server.answers.clear();
  shown.pause();
  await vi.advanceTimersByTimeAsync(200);
  expect(film.showing).toBe(null);
  expect([shown.index, shown.shown, shown.isPlaying]).toEqual([15, "full", false]);
  expect(server.asked.slice(before)).toContain("3.1/frames/16/codestream");
});

test("who goes elsewhere by hand stops what plays", async () => {
  const shown = viewer();
  shown.start();
  await settled();
  shown.play();
  shown.step(1);
  expect(shown.isPlaying).toBe(false);
  shown.play();
  shown.look({ ...shown.looking, sop: "1.3" });
  expect([shown.isPlaying, shown.index]).toEqual([false, 2]);
});

test("the rate that someone chose holds for its series", () => {
  const shown = viewer();
  shown.setRate(4);
  expect(shown.rate).toBe(4);
  shown.openSeries(1);
  expect(shown.rate).toBe(15);
});
