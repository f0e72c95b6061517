import { afterEach, expect, test, vi } from "vitest";
import { callStands } from "./call_first";
import type { Changed } from "./protocol.gen";
import type { Listener } from "./worklist_socket";

let say: Listener = () => {};
const opened = vi.fn();
// The socket is the world outside; what it would say is said by the tests.
vi.mock("./worklist_socket", () => ({
  WorklistSocket: class {
    constructor(_url: string, listener: Listener) {
      say = listener;
    }
    open(): void {
      opened();
    }
    close(): void {}
  },
}));

const { subscribe } = await import("./hints");
const change: Changed = { what: "consult", stamp: "1", id: "7" };
const stops: (() => void)[] = [];
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
const turbo = (what: "visit" | "load"): boolean => document.dispatchEvent(new Event(`turbo:${what}`));

function heardBy(): (Changed | null)[] {
  const heard: (Changed | null)[] = [];
  stops.push(subscribe((each) => heard.push(each)));
  return heard;
}

afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

test("on the page of a call the line of the call comes first", async () => {
  const room = document.createElement("div");
  room.dataset.controller = "room";
  document.body.append(room);
  heardBy();
  await settled();
  expect(opened).not.toHaveBeenCalled();
  callStands(room);
  await settled();
  expect(opened).toHaveBeenCalledOnce();
  room.remove();
});

test("what is said while the next page is on its way, its elements hear when they come", () => {
  const old = heardBy();
  say({ ...change, id: "6" });
  turbo("visit");
  say(change);
  const next = heardBy();
  expect([old.length, next]).toEqual([2, [change]]);
});

test("once a page is there, what was said before is not said again", () => {
  heardBy();
  turbo("visit");
  say(change);
  turbo("load");
  say(change);
  expect(heardBy()).toEqual([]);
});

test("a visit hears nothing of the one before", () => {
  heardBy();
  turbo("visit");
  say(change);
  turbo("visit");
  expect(heardBy()).toEqual([]);
});
