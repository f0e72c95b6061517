import { beforeEach, expect, test, vi } from "vitest";
import { StreamTiles } from "./stream_tiles";

const ROSE = { pid: "p", name: "<b>Rose</b>" };
let place: HTMLElement;
let tiles: StreamTiles;
const changed = vi.fn();

beforeEach(() => {
  vi.spyOn(HTMLMediaElement.prototype, "play").mockResolvedValue();
  place = document.createElement("div");
  const template = document.createElement("template");
  Object.assign(template.dataset, { camera: "further camera", stethoscope: "stethoscope", you: "You" });
  template.innerHTML = `<div><video></video><button data-label="Enlarge {name}"></button>
    <button id="mute" data-only="stethoscope"></button><p data-only="own-stethoscope"></p><b data-tile="name"></b></div>`;
  changed.mockClear();
  tiles = new StreamTiles(place, template, changed);
});

const stream = () => ({}) as MediaStream;
const names = () => [...place.querySelectorAll("[data-tile=name]")].map((one) => one.textContent);

test("each thing somebody sends has a tile with its name, once", async () => {
  const given = stream();
  await tiles.show(ROSE, given, { id: "a", what: "camera", name: "Ultrasound" });
  await tiles.show(ROSE, given, { id: "a", what: "camera", name: "Ultrasound" });
  await tiles.show(ROSE, stream(), { id: "b", what: "stethoscope" });
  expect(names()).toEqual(["<b>Rose</b> · Ultrasound", "<b>Rose</b> · stethoscope"]);
  expect(place.querySelector("button")?.ariaLabel).toBe("Enlarge <b>Rose</b> · Ultrasound");
  expect(place.querySelector("video")?.srcObject).toBe(given);
  expect([...place.querySelectorAll<HTMLElement>("#mute")].map((one) => one.hidden)).toEqual([true, false]);
});

test("what is not named any more goes, and what others send stays", async () => {
  await tiles.show(ROSE, stream(), { id: "a", what: "camera" });
  await tiles.show({ pid: "q", name: "Paul" }, stream(), { id: "b", what: "camera" });
  changed.mockClear();
  tiles.keep("p", [{ id: "main" as string, what: "main" }]);
  expect(names()).toEqual(["Paul · further camera"]);
  expect(changed).toHaveBeenCalledOnce();
});

test("a stethoscope can be muted by who hears it; one's own is never heard", async () => {
  await tiles.show(ROSE, stream(), { id: "b", what: "stethoscope" });
  await tiles.showOwn(stream(), { id: "c", what: "stethoscope" });
  const [theirs, own] = [...place.querySelectorAll("video")] as [HTMLVideoElement, HTMLVideoElement];
  const button = document.createElement("button");
  tiles.mute("b", button);
  expect([theirs.muted, button.getAttribute("aria-pressed")]).toEqual([true, "true"]);
  tiles.hear();
  expect([theirs.muted, own.muted]).toEqual([false, true]);
  expect(place.lastElementChild?.querySelector("p")?.hidden).toBe(false);
});
