import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import CameraController from "./camera";

let application: Application;
const stopped = vi.fn();
const sent = vi.fn((event: Event) => event.preventDefault());
const stream = { getTracks: () => [{ stop: stopped }] };
const asked = vi.fn(async () => stream as unknown as MediaStream);
let seen: { rawValue: string }[][];

class Detector {
  static getSupportedFormats = async () => ["qr_code", "code_128"];
  static formats: string[] = [];
  constructor(options: { formats: string[] }) {
    Detector.formats = options.formats;
  }
  detect = async () => seen.shift() ?? [];
}

const settle = (ms = 0) => new Promise((resolve) => setTimeout(resolve, ms));
const part = <T extends HTMLElement>(name: string) => document.querySelector<T>(`[data-camera-target=${name}]`);
const press = () => document.querySelector<HTMLButtonElement>("button[type=button]")?.click();

async function start(): Promise<void> {
  document.body.innerHTML = `<form data-controller="camera"><input data-camera-target="field">
    <div data-camera-target="way" hidden><video data-camera-target="video" hidden></video>
    <button type="button" data-action="camera#toggle">Camera</button><p data-camera-target="problem" hidden></p></div></form>`;
  document.querySelector("form")?.addEventListener("submit", sent);
  const video = part<HTMLVideoElement>("video");
  if (video) video.play = async () => undefined;
  await settle();
}

beforeEach(() => {
  seen = [];
  for (const mock of [stopped, sent, asked]) mock.mockClear();
  vi.stubGlobal("BarcodeDetector", Detector);
  vi.stubGlobal("navigator", { mediaDevices: { getUserMedia: asked } });
  application = Application.start();
  application.register("camera", CameraController);
});

afterEach(() => {
  application.stop();
  vi.unstubAllGlobals();
});

test("without a detector there is no button", async () => {
  vi.stubGlobal("BarcodeDetector", undefined);
  await start();
  expect(part("way")?.hidden).toBe(true);
});

test("a code that is seen is sent, and the camera is closed", async () => {
  seen = [[], [{ rawValue: "001151000123|" }]];
  await start();
  expect(part("way")?.hidden).toBe(false);
  press();
  await settle(20);
  expect(part("video")?.hidden).toBe(false);
  expect(Detector.formats).toEqual(["qr_code", "code_128"]);
  await settle(300);
  expect(part<HTMLInputElement>("field")?.value).toBe("001151000123|");
  expect(sent).toHaveBeenCalledOnce();
  expect(stopped).toHaveBeenCalledOnce();
  expect(part("video")?.hidden).toBe(true);
});

test("pressed again, it is closed and nothing is sent", async () => {
  await start();
  press();
  await settle(20);
  press();
  await settle(300);
  expect(stopped).toHaveBeenCalledOnce();
  expect(sent).not.toHaveBeenCalled();
});

test("a camera that comes after one has left is closed at once", async () => {
  await start();
  press();
  document.body.innerHTML = "";
  await settle(20);
  expect(stopped).toHaveBeenCalledOnce();
});

test("a camera that is refused is said", async () => {
  asked.mockRejectedValueOnce(new Error("refused"));
  await start();
  press();
  await settle(20);
  expect(part("problem")?.hidden).toBe(false);
  expect(part("video")?.hidden).toBe(true);
});
