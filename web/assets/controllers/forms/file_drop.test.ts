import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import FileDropController from "./file_drop";

const WORDS = {
  sending: "{files} of {of}",
  done: "done {files}",
  failed: "failed",
  cancelled: "stopped",
  waiting: "wait",
};
const PAGE = `
  <form id="request"><button name="go" value="1">Submit</button></form>
  <div data-controller="file-drop" data-file-drop-url-value="/images" data-file-drop-name-value="files"
       data-file-drop-before-value="request" data-file-drop-words-value='${JSON.stringify(WORDS)}'>
    <div data-file-drop-target="zone"></div>
    <input type="file" multiple data-action="file-drop#choose">
    <div data-file-drop-target="totals" hidden>
      <span data-file-drop-target="words"></span><span data-file-drop-target="percent"></span>
      <progress data-file-drop-target="progress"></progress><button data-file-drop-target="cancel"></button>
    </div>
    <ul data-file-drop-target="list" hidden></ul>
  </div>`;

/** The browser's own request, held open until the test answers. */
class Wire {
  static open: Wire[] = [];
  upload = {} as XMLHttpRequestUpload;
  response: unknown = {};
  status = 0;
  responseType = "";
  onload = (): void => undefined;
  onerror = (): void => undefined;
  onabort = (): void => undefined;
  onloadend = (): void => undefined;
  open(): void {}
  setRequestHeader(): void {}
  addEventListener(): void {}
  send(): void {
    Wire.open.push(this);
  }
  abort(): void {
    this.onabort();
  }
  answer(status: number, response: unknown = {}): void {
    this.status = status;
    this.response = response;
    this.onload();
    this.onloadend();
  }
}

let application: Application;
const submitted = vi.fn<(event: Event) => void>((event) => event.preventDefault());

function element<T extends Element>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(selector);
  return found;
}

function choose(...names: string[]): void {
  const input = element<HTMLInputElement>("input[type=file]");
  let files = names.map((name) => new File(["x"], name));
  Object.defineProperty(input, "files", { configurable: true, get: () => files });
  Object.defineProperty(input, "value", {
    configurable: true,
    set: () => {
      files = [];
    },
  });
}

async function start(): Promise<void> {
  application = Application.start();
  application.register("file-drop", FileDropController);
  await vi.waitFor(() => expect(element<HTMLElement>("[data-controller]").dataset.scripted).toBe("true"));
}

beforeEach(() => {
  Wire.open = [];
  vi.stubGlobal("XMLHttpRequest", Wire);
  Element.prototype.scrollIntoView = () => undefined;
  document.documentElement.lang = "en";
  document.head.innerHTML = '<meta name="csrf-token" content="t">';
  document.body.innerHTML = PAGE;
  submitted.mockClear();
  element("#request").addEventListener("submit", submitted);
});

afterEach(() => {
  application.stop();
  vi.unstubAllGlobals();
});

test("the form waits for files on their way, then goes by itself", async () => {
  await start();
  choose("a.dcm");
  element("input").dispatchEvent(new Event("input"));
  await vi.waitFor(() => expect(Wire.open).toHaveLength(1));
  element<HTMLButtonElement>("#request button").click();
  expect(submitted).not.toHaveBeenCalled();
  expect(element("[data-file-drop-target=words]").textContent).toBe("wait");
  Wire.open[0]?.answer(200);
  await vi.waitFor(() => expect(submitted).toHaveBeenCalledOnce());
});

test("it stays where a file was refused or nothing arrived", async () => {
  await start();
  for (const [status, answer] of [
    [200, { refused: [{ name: "a.txt", reason: "not DICOM" }] }],
    [500, {}],
  ] as const) {
    Wire.open = [];
    choose("a.txt");
    element("input").dispatchEvent(new Event("input"));
    await vi.waitFor(() => expect(Wire.open).toHaveLength(1));
    element<HTMLButtonElement>("#request button").click();
    Wire.open[0]?.answer(status, answer);
    await vi.waitFor(() => expect(element<HTMLButtonElement>("[data-file-drop-target=cancel]").hidden).toBe(true));
    expect(submitted).not.toHaveBeenCalled();
  }
});

test("files chosen before this script came are sent too", async () => {
  choose("early.dcm");
  await start();
  await vi.waitFor(() => expect(Wire.open).toHaveLength(1));
  Wire.open[0]?.answer(200);
});
