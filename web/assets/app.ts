// What every page loads: Turbo, Stimulus and the small controllers. The room and the viewer follow where a page has them.

import { Application, type ControllerConstructor } from "@hotwired/stimulus";
import * as Turbo from "@hotwired/turbo";
import { LazyControllers } from "./lazy";

// Turbo's own progress bar needs a <style>, which the content security policy forbids; shell.css draws ours.
Turbo.config.drive.progressBarDelay = 2 ** 31 - 1;

const application = Application.start();
const small = import.meta.glob<ControllerConstructor>(["./controllers/*.ts", "!./controllers/*.test.ts"], {
  eager: true,
  import: "default",
});
for (const [path, controller] of Object.entries(small)) {
  const file = path.split("/").at(-1) ?? path;
  application.register(file.replace(/\.ts$/, "").replaceAll("_", "-"), controller);
}

const heavy = import.meta.glob<{ default: ControllerConstructor }>(["./room.ts", "./viewer/main.ts"]);
new LazyControllers(application, { room: heavy["./room.ts"], viewer: heavy["./viewer/main.ts"] }).watch(document);

// A frame's answer without that frame is a whole page: the sign-in after a session ended, or an error. Show it as one.
addEventListener("turbo:frame-missing", (event) => {
  const { response, visit } = (event as CustomEvent<{ response: Response; visit: (to: Response) => void }>).detail;
  event.preventDefault();
  visit(response);
});
