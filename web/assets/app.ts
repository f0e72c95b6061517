// What every page loads: Stimulus, the small controllers, and Turbo beside them. What only some pages need follows where it is
// named; on the page of a call, what the call does not need follows it.

import { Application, type ControllerConstructor } from "@hotwired/stimulus";
import { afterCall, holdFrames } from "./call_first";
import "./corrected";
import { LazyControllers } from "./lazy";
import { holdLine } from "./rtc/held_line";

const call = document.querySelector<HTMLElement>("[data-controller~=room]");
const room = call?.dataset.meeting || call?.dataset.roomConsultValue;
if (room) holdLine(room);

holdFrames(afterCall().then(() => import("./visits")));

const application = Application.start();
const small = import.meta.glob<ControllerConstructor>(["./controllers/*.ts", "!./controllers/*.test.ts"], {
  eager: true,
  import: "default",
});
for (const [path, controller] of Object.entries(small)) {
  const file = path.split("/").at(-1) ?? path;
  application.register(file.replace(/\.ts$/, "").replaceAll("_", "-"), controller);
}

const forms = () => import("./forms");
const writing = () => import("./writing");
const more = () => afterCall().then(() => import("./room/more"));
new LazyControllers(application, {
  autosave: async () => (await forms()).autosave,
  camera: async () => (await forms()).camera,
  export: async () => (await forms()).export_,
  "file-drop": async () => (await forms()).file_drop,
  picker: async () => (await forms()).picker,
  search: async () => (await forms()).search,
  dictation: async () => (await writing()).dictation,
  inserting: async () => (await writing()).inserting,
  keeping: async () => (await writing()).keeping,
  passkey: async () => (await import("./passkey")).default,
  room: async () => (await import("./room")).default,
  ringing: async () => (await afterCall().then(() => import("./emergency/ringing"))).default,
  "own-picture": async () => (await import("./emergency/own_picture")).default,
  waiting: async () => (await import("./emergency/waiting")).default,
  seconds: async () => (await import("./emergency/seconds")).default,
  check: async () => (await import("./checking/main")).default,
  "call-devices": async () => (await more()).call_devices,
  "chat-files": async () => (await more()).chat_files,
  clip: async () => (await more()).clip,
  news: async () => (await afterCall().then(() => import("./notices/news"))).default,
  push: async () => (await import("./notices/push")).default,
  ladder: async () => (await more()).ladder,
  manners: async () => (await more()).manners,
  "meeting-case": async () => (await more()).meeting_case,
  playback: async () => (await import("./playback/main")).default,
  recording: async () => (await more()).recording,
  sealing: async () => (await more()).sealing,
  "small-window": async () => (await more()).small_window,
  sources: async () => (await more()).sources,
  still: async () => (await more()).still,
  weeks: async () => (await import("./figures/weeks")).default,
  compare: async () => (await import("./viewer/comparing")).default,
  together: async () => (await import("./viewer/together/main")).default,
  viewer: async () => (await import("./viewer/main")).default,
  "key-image": async () => (await import("./viewer/marks/key_image")).default,
  marks: async () => (await import("./viewer/marks/main")).default,
}).watch(document);

// A refused form comes back as a morph of the page, which leaves the focus nowhere: the first field to mend gets it.
addEventListener("turbo:render", () => {
  document.querySelector<HTMLElement>("[aria-invalid=true][autofocus]:not(:focus)")?.focus();
});

// A page that is rendered again stays where it was scrolled to. But when the form that was sent is gone, another page stands at
// its address, whose top says what came of it.
let sent = "";
addEventListener("turbo:submit-end", (event) => {
  const { target, detail } = event as CustomEvent<{ success?: boolean }>;
  const form = target instanceof HTMLFormElement && !target.closest("turbo-frame") ? target.id : "";
  sent = detail.success ? form : "";
});
addEventListener("turbo:load", () => {
  if (sent && !document.getElementById(sent)) scrollTo(0, 0);
  sent = "";
});

// What a script marked as its own is not the server's to take away.
addEventListener("turbo:before-morph-attribute", (event) => {
  const { attributeName } = (event as CustomEvent<{ attributeName: string }>).detail;
  if (attributeName === "data-scripted") event.preventDefault();
});

// Who signs out leaves no words of a draft on the device, not even sealed ones (writing/kept_words.ts).
addEventListener(
  "submit",
  (event) => {
    const form = event.target as HTMLFormElement;
    if (!globalThis.indexedDB || !form.action.endsWith("/sign-out")) return;
    event.preventDefault();
    const asked = indexedDB.deleteDatabase("teleconsult-drafts");
    const gone = new Promise<unknown>((resolve) => (asked.onsuccess = asked.onerror = resolve));
    const late = new Promise((resolve) => setTimeout(resolve, 1000));
    void Promise.race([gone, late]).then(() => form.submit());
  },
  { capture: true },
);

// A frame's answer without that frame is a whole page: the sign-in after a session ended, or an error. Show it as one.
addEventListener("turbo:frame-missing", (event) => {
  const { response, visit } = (event as CustomEvent<{ response: Response; visit: (to: Response) => void }>).detail;
  event.preventDefault();
  visit(response);
});
