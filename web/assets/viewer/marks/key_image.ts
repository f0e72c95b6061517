// Puts what is seen in the viewer into the note that is being written, its measurements as they are kept; see studies/_mark_tools.html.jinja.
import { Controller } from "@hotwired/stimulus";
import { ownHeaders } from "../../requests";
import type ViewerController from "../main";
import { NotKept } from "./keeping";
import type MarksController from "./main";

const PICTURES = "turbo-frame#note-pictures";
const SHOWN_MS = 6000;
/** Long enough to reach a link by key. */
const LINK_SHOWN_MS = 30_000;

/** What Turbo gives a frame; it is not loaded here. */
type Frame = HTMLElement & { src: string | null; reload(): Promise<void> };

export default class KeyImageController extends Controller<HTMLButtonElement> {
  static override values = { url: String, study: String, added: String, failed: String, open: String };
  declare readonly urlValue: string;
  declare readonly studyValue: string;
  declare readonly addedValue: string;
  declare readonly failedValue: string;
  declare readonly openValue: string;

  async add(): Promise<void> {
    const viewer = this.#beside<ViewerController>("viewer")?.viewer;
    if (!viewer || this.element.disabled) return;
    this.element.disabled = true;
    const { sop, frame, level, inverted } = viewer.looking;
    const { id } = this.#beside<ViewerController>("viewer")?.manifestValue ?? {};
    try {
      const reports = (await this.#beside<MarksController>("marks")?.keepHere()) ?? [];
      const answer = await fetch(this.urlValue, {
        method: "POST",
        headers: { ...ownHeaders(), "Content-Type": "application/json" },
        body: JSON.stringify({ study: this.studyValue, id, sop, frame, level, inverted, reports }),
      });
      const told = (await answer.json().catch(() => ({}))) as { error?: string; note?: string };
      if (answer.ok) this.#added(told.note);
      else this.#say(told.error ?? this.failedValue);
    } catch (error) {
      this.#say((error instanceof NotKept && error.message) || this.failedValue);
    }
    this.element.disabled = false;
  }

  /** Another controller of the viewer this button belongs to. */
  #beside<T extends Controller>(name: string): T | null {
    const section = this.element.closest("[data-controller~=viewer]");
    return section ? (this.application.getControllerForElementAndIdentifier(section, name) as T | null) : null;
  }

  #say(words: string): void {
    this.#beside<MarksController>("marks")?.say(words, SHOWN_MS);
  }

  /** The note that stands beside the images looks again; to one that does not there is a way. */
  #added(note: string | undefined): void {
    const frame = document.querySelector<Frame>(PICTURES);
    const way = note && !frame ? { href: note, words: this.openValue } : undefined;
    this.#beside<MarksController>("marks")?.say(this.addedValue, way ? LINK_SHOWN_MS : SHOWN_MS, way);
    if (!frame) return;
    if (frame.src) void frame.reload();
    else frame.src = frame.dataset.src ?? null;
  }
}
