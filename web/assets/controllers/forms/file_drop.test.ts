import { Application } from "@hotwired/stimulus";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeServer, image, photograph } from "../../uploading/fake_server";
import FileDropController from "./file_drop";

const WORDS = {
  sending: "sending",
  count: "{files} of {of}",
  link: "no link",
  done: "done {files}",
  failed: "failed",
  cancelled: "stopped",
  waiting: "wait",
  notDicom: "no image",
  elsewhere: "not here",
  heic: "no JPEG",
  unreadable: "unreadable",
};
const PAGE = `
  <form id="request"><button name="go" value="1">Submit</button></form>
  <div data-controller="file-drop" data-file-drop-door-value="/uploads" data-file-drop-url-value="/images"
       data-file-drop-before-value="request" data-file-drop-words-value='${JSON.stringify(WORDS)}'>
    <div data-file-drop-target="zone"></div>
    <input type="file" multiple data-action="input->file-drop#choose">
    <p data-file-drop-target="again" hidden></p>
    <div data-file-drop-target="totals" hidden>
      <span data-file-drop-target="words"></span><span data-file-drop-target="count"></span>
      <progress data-file-drop-target="progress"></progress><button data-file-drop-target="cancel"></button>
    </div>
    <ul data-file-drop-target="moving" hidden></ul>
    <template data-file-drop-target="row"><li><span></span><progress></progress></li></template>
    <ul data-file-drop-target="list" hidden></ul>
  </div>`;

let application: Application;
let server: FakeServer;
const submitted = vi.fn<(event: Event) => void>((event) => event.preventDefault());

function element<T extends Element>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(selector);
  return found;
}

function choose(...chosen: File[]): void {
  const input = element<HTMLInputElement>("input[type=file]");
  let files = chosen;
  Object.defineProperty(input, "files", { configurable: true, get: () => files });
  Object.defineProperty(input, "value", {
    configurable: true,
    set: () => {
      files = [];
    },
  });
  input.dispatchEvent(new Event("input"));
}

const words = (): string | null => element("[data-file-drop-target=words]").textContent;
const submit = (): void => element<HTMLButtonElement>("#request button").click();

async function start(): Promise<void> {
  application = Application.start();
  application.register("file-drop", FileDropController);
  await vi.waitFor(() => expect(element<HTMLElement>("[data-controller]").dataset.scripted).toBe("true"));
}

beforeEach(() => {
  localStorage.clear();
  server = new FakeServer();
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
  server.keeps = 10;
  choose(image("a.dcm"));
  await vi.waitFor(() => expect(words()).toBe("no link"));
  expect(element("[data-file-drop-target=moving] span").textContent).toBe("a.dcm");
  submit();
  expect(submitted).not.toHaveBeenCalled();
  expect(words()).toBe("wait");
  server.isCut = false;
  await vi.waitFor(() => expect(submitted).toHaveBeenCalledOnce(), 3000);
  expect(words()).toBe("done 1");
  expect(element<HTMLElement>("[data-file-drop-target=moving]").hidden).toBe(true);
});

test("it stays where a file was refused or nothing arrived", async () => {
  await start();
  for (const [receipt, said] of [
    [{ refused: [{ name: "a", code: "damaged", reason: "is damaged" }] }, "done 1"],
    [500, "Not now."],
  ] as const) {
    server.receipt = receipt;
    choose(image("a"));
    submit();
    await vi.waitFor(() => expect(words()).toBe(said));
    expect(submitted).not.toHaveBeenCalled();
  }
  expect(element<HTMLElement>("[data-file-drop-target=again]").hidden, "it may go on").toBe(false);
});

test("what is no image is named, and the rest arrives", async () => {
  await start();
  choose(image("a"), new File(["x"], "readme.txt"));
  submit();
  await vi.waitFor(() => expect(words()).toBe("done 1"));
  expect(submitted).toHaveBeenCalledOnce();
  expect(element("[data-file-drop-target=list]").textContent).toBe("readme.txt: no image");
});

test("the form around says what photographs show", async () => {
  const drop = element("[data-controller]");
  const form = document.createElement("form");
  form.innerHTML = '<input type="radio" name="subject" value="film" checked>';
  drop.replaceWith(form);
  form.append(drop);
  await start();
  choose(photograph("a.jpg"));
  await vi.waitFor(() => expect(words()).toBe("done 1"));
  expect([...server.uploads.values()][0]?.metadata).toContain(`subject ${btoa("film")}`);
});

test("files chosen while others are on their way go with them", async () => {
  await start();
  server.keeps = 10;
  choose(image("a"));
  await vi.waitFor(() => expect(words()).toBe("no link"));
  choose(image("b"));
  server.isCut = false;
  await vi.waitFor(() => expect(words()).toBe("done 2"), 3000);
});

test("files chosen before this script came are sent too", async () => {
  choose(image("early.dcm"));
  await start();
  await vi.waitFor(() => expect(words()).toBe("done 1"));
});

test("who comes back before all has arrived is told to choose the same files again", async () => {
  await start();
  server.keeps = 10;
  choose(image("a"));
  await vi.waitFor(() => expect(words()).toBe("no link"));
  application.stop();
  server.isCut = false;
  document.body.innerHTML = PAGE;
  await start();
  const again = element<HTMLElement>("[data-file-drop-target=again]");
  expect(again.hidden).toBe(false);
  choose(image("a"));
  await vi.waitFor(() => expect(words()).toBe("done 1"));
  expect(again.hidden).toBe(true);
  expect(server.uploads.size).toBe(1);
});
