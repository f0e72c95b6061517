import { beforeEach, expect, test, vi } from "vitest";
import type { Peer } from "../protocol.gen";
import { Tiles } from "./tiles";

const PEER: Peer = {
  pid: "p",
  name: "<b>Rose</b>",
  role: "guest",
  present: true,
  polite: true,
  audio: true,
  video: true,
  streams: [],
  hand: false,
};
let place: HTMLElement;
let tiles: Tiles;

beforeEach(() => {
  vi.spyOn(HTMLMediaElement.prototype, "play").mockResolvedValue();
  place = document.createElement("div");
  const template = document.createElement("template");
  template.innerHTML = `<div><video data-label="Picture of {name}"></video><p data-when="calling"></p>
    <p data-when="silent" hidden></p><p data-when="lost" hidden></p><i data-tile="quiet"></i><b data-tile="name"></b></div>`;
  tiles = new Tiles(place, template);
});

const shown = () => place.querySelector<HTMLElement>("[data-when]:not([hidden])")?.dataset.when;

test("a tile says how far its person has come", () => {
  tiles.show(PEER);
  tiles.show(PEER);
  expect(place.children).toHaveLength(1);
  expect(place.querySelector("[data-tile=name]")?.textContent).toBe("<b>Rose</b>");
  expect(place.querySelector("video")?.ariaLabel).toBe("Picture of <b>Rose</b>");
  expect(shown()).toBe("calling");
  tiles.link("p", "connected");
  expect(place.firstElementChild?.getAttribute("data-standing")).toBe("live");
  tiles.media({ sender: "p", audio: false, video: false });
  expect(shown()).toBe("silent");
  expect(place.querySelector<HTMLElement>("[data-tile=quiet]")?.hidden).toBe(false);
  tiles.link("p", "interrupted");
  tiles.lost("p");
  expect(shown()).toBe("lost");
});

test("nothing of who left is kept", async () => {
  tiles.show(PEER);
  const video = place.querySelector("video") as HTMLVideoElement;
  const stream = {} as MediaStream;
  await tiles.stream("p", stream);
  expect(video.srcObject).toBe(stream);
  tiles.remove("p");
  expect(video.srcObject).toBeNull();
  expect(place.children).toHaveLength(0);
  tiles.lost("p");
  expect(await tiles.stream("p", stream)).toBe(true);
});
