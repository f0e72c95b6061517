import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Peer } from "../../protocol.gen";
import type { Call } from "../../rtc/call";
import type { CallView } from "../../rtc/call_view";
import { begin, end } from "../present_call";
import Manners from "./manners";

const heard = new Map<string, (message: never) => void>();
const asked = vi.fn().mockResolvedValue(null);
let view: Partial<CallView>;
let application: Application;
const peer = (pid: string, name: string, hand = false) => ({ pid, name, hand, streams: [] }) as unknown as Peer;

beforeEach(async () => {
  document.documentElement.lang = "en";
  document.body.innerHTML = `<section data-controller="manners" data-manners-main-value="m">
    <div data-tile-key="main"><i data-tile="hand" hidden></i></div><div data-tile-key="self"><i data-tile="hand" hidden></i></div>
    <div data-tile-key="g"><i data-tile="hand" hidden></i></div>
    <button data-manners-target="hand" data-action="manners#raise" aria-pressed="false"></button>
    <p data-manners-target="asking" data-text="{name} asks to speak." data-text-of-several="{name} ask to speak." hidden><span></span></p>
    <p data-manners-target="hushed" data-text="{name} muted you." hidden><span></span></p></section>`;
  const hear = (event: string, take: (message: never) => void) => heard.set(event, take);
  const call = { client: { ask: asked, hear }, tell: (told: Partial<CallView>) => (view = told) };
  asked.mockClear();
  application = Application.start();
  application.register("manners", Manners);
  await Promise.resolve();
  begin(call as unknown as Call);
  view.joined?.({ peers: [peer("m", "Minh"), peer("g", "<i>Rose</i>", true)] } as never);
});

afterEach(() => {
  end();
  application.stop();
});

const asking = () => document.querySelector<HTMLElement>("[data-manners-target=asking]");
const hand = (key: string) => document.querySelector<HTMLElement>(`[data-tile-key=${key}] [data-tile=hand]`);

test("who asks to speak is named, as text, in the order they did", () => {
  expect(asking()?.textContent?.trim()).toBe("<i>Rose</i> asks to speak.");
  expect(hand("g")?.hidden).toBe(false);
  heard.get("hand")?.({ sender: "m", raised: true } as never);
  expect(asking()?.textContent?.trim()).toBe("<i>Rose</i> and Minh ask to speak.");
  expect(hand("main")?.hidden).toBe(false);
  view.peer?.(peer("g", "Rose", true), "left");
  heard.get("hand")?.({ sender: "m", raised: false } as never);
  expect(asking()?.hidden).toBe(true);
});

test("one's own hand is said, and said again after a break", () => {
  document.querySelector("button")?.click();
  expect(asked).toHaveBeenLastCalledWith("hand", { raised: true });
  expect(hand("self")?.hidden).toBe(false);
  view.joined?.({ peers: [] } as never);
  expect(asked).toHaveBeenCalledTimes(2);
  document.querySelector("button")?.click();
  expect(asked).toHaveBeenLastCalledWith("hand", { raised: false });
});

test("who is muted already is told nothing, and the end takes every word away", () => {
  const mute = '<button data-testid="mute" aria-pressed="true"></button>';
  document.querySelector("section")?.insertAdjacentHTML("beforeend", mute);
  const hushed = document.querySelector<HTMLElement>("[data-manners-target=hushed]");
  heard.get("hush")?.({ sender: "m", name: "Minh" } as never);
  expect(hushed?.hidden).toBe(true);
  document.querySelector("[data-testid=mute]")?.setAttribute("aria-pressed", "false");
  heard.get("hush")?.({ sender: "m", name: "Minh" } as never);
  expect(hushed?.hidden).toBe(false);
  end();
  expect(hushed?.hidden).toBe(true);
  expect(asking()?.hidden).toBe(true);
});

test("who asks for silence is named, and the page is told", () => {
  const silenced = vi.fn();
  document.addEventListener("manners:hushed", silenced, { once: true });
  heard.get("hush")?.({ sender: "m", name: "Minh" } as never);
  expect(document.querySelector("[data-manners-target=hushed]")?.textContent?.trim()).toBe("Minh muted you.");
  expect(silenced).toHaveBeenCalledOnce();
});
