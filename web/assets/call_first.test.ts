import { beforeEach, expect, test, vi } from "vitest";
import { afterCall, callStands, holdFrames } from "./call_first";

beforeEach(() => document.body.replaceChildren());

function aRoom(): Element {
  const room = document.createElement("div");
  room.dataset.controller = "room";
  document.body.append(room);
  return room;
}

async function hasCome(): Promise<boolean> {
  return Promise.race([afterCall().then(() => true), Promise.resolve().then(() => Promise.resolve(false))]);
}

test("a page without a call waits for nothing", async () => {
  expect(await hasCome()).toBe(true);
});

test("the page of a call waits until it stands", async () => {
  const room = aRoom();
  const waits = afterCall();
  expect(await hasCome()).toBe(false);
  callStands(room);
  await waits;
  expect(await hasCome()).toBe(true);
});

test("a call whose script does not come holds nothing up for ever", async () => {
  vi.useFakeTimers();
  aRoom();
  const waits = afterCall();
  vi.advanceTimersByTime(20_000);
  await waits;
  vi.useRealTimers();
});

test("what opens in a frame is held back until Turbo is there, and pressed then", async () => {
  document.body.innerHTML =
    '<a href="#study" data-turbo-frame="study"><b>Images</b></a><a id="out" href="#out">Out</a>';
  const pressed: string[] = [];
  document.body.addEventListener("click", (event) => {
    pressed.push((event.target as Element).closest("a")?.hash ?? "");
  });
  let come = () => {};
  holdFrames(
    new Promise<void>((resolve) => {
      come = resolve;
    }),
  );
  document.querySelector("b")?.click();
  document.querySelector<HTMLElement>("#out")?.click();
  expect(pressed).toEqual(["#out"]);
  come();
  await new Promise((later) => setTimeout(later));
  expect(pressed).toEqual(["#out", "#study"]);
});
