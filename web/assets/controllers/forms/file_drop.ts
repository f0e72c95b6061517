// Files by hand, folder or drop, sent at once with progress and a way to stop. See the file_drop macro.
// A form named by `data-file-drop-before-value` (its id) goes only once the files have arrived.
import { Controller } from "@hotwired/stimulus";
import { droppedFiles } from "../../dropped_files";
import { type Frame, lookAgain } from "../../frames";
import { Remembered } from "../../uploading/remembering";
import type { Sender, Standing } from "../../uploading/sender";
import type { Receipt } from "../../uploading/sending";

type Word =
  | "sending"
  | "count"
  | "link"
  | "done"
  | "failed"
  | "cancelled"
  | "waiting"
  | "notDicom"
  | "elsewhere"
  | "heic"
  | "unreadable";

/** The list of images is asked for while more arrive, but a thin link is for the images. */
const LOOK_MS = 5000;

export default class FileDropController extends Controller<HTMLElement> {
  static override targets = [
    "zone",
    "list",
    "moving",
    "row",
    "totals",
    "progress",
    "count",
    "words",
    "cancel",
    "again",
  ];
  static override values = { door: String, url: String, frame: String, before: String, words: Object };
  declare readonly zoneTarget: HTMLElement;
  declare readonly listTarget: HTMLElement;
  declare readonly movingTarget: HTMLElement;
  declare readonly rowTarget: HTMLTemplateElement;
  declare readonly totalsTarget: HTMLElement;
  declare readonly progressTarget: HTMLProgressElement;
  declare readonly countTarget: HTMLElement;
  declare readonly wordsTarget: HTMLElement;
  declare readonly cancelTarget: HTMLButtonElement;
  declare readonly againTarget: HTMLElement;
  declare readonly doorValue: string;
  declare readonly urlValue: string;
  declare readonly frameValue: string;
  declare readonly beforeValue: string;
  declare readonly wordsValue: Record<Word, string>;
  #sender: Sender | null = null;
  #isBusy = false;
  /** Whether all the images that were chosen are there. */
  #isWhole = true;
  #lastLook = 0;
  readonly #waiting: File[] = [];
  #held: SubmitEvent | null = null;

  override connect(): void {
    this.element.dataset.scripted = "true";
    if (!this.doorValue) return; // the files travel with their form
    document.addEventListener("submit", this.#hold, true);
    void import("../../uploading/sender").catch(() => undefined); // there when the first file is chosen
    this.againTarget.hidden = !new Remembered(this.doorValue).hasUnfinished;
    // This script may come after the first choice.
    for (const input of this.element.querySelectorAll("input")) void this.#takeFrom(input);
  }

  override disconnect(): void {
    document.removeEventListener("submit", this.#hold, true);
    this.#sender?.leave();
  }

  over(event: DragEvent): void {
    event.preventDefault();
    this.zoneTarget.dataset.over = "true";
  }

  out(): void {
    delete this.zoneTarget.dataset.over;
  }

  async drop(event: DragEvent): Promise<void> {
    event.preventDefault();
    this.out();
    if (event.dataTransfer) await this.#take(await droppedFiles(event.dataTransfer));
  }

  async choose(event: Event): Promise<void> {
    if (this.doorValue) await this.#takeFrom(event.currentTarget as HTMLInputElement);
  }

  cancel(): void {
    this.#sender?.cancel();
  }

  async #takeFrom(input: HTMLInputElement): Promise<void> {
    if (input.type !== "file" || !input.files?.length) return;
    const files = [...input.files];
    input.value = "";
    await this.#take(files);
  }

  // Leaving now would call off what is on its way: the form waits, and goes by itself when all has arrived.
  readonly #hold = (event: SubmitEvent): void => {
    if (!this.#isBusy || (event.target as HTMLFormElement).id !== this.beforeValue) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.#held = event;
    this.#say(this.wordsValue.waiting);
    this.totalsTarget.scrollIntoView({ block: "center" });
  };

  #letGo(): void {
    const held = this.#held;
    this.#held = null;
    if (held && this.#isWhole) (held.target as HTMLFormElement).requestSubmit(held.submitter);
  }

  async #take(files: File[]): Promise<void> {
    this.#waiting.push(...files);
    if (this.#isBusy || this.#waiting.length === 0) {
      void this.#sender?.add(this.#waiting.splice(0), this.#subject);
      return;
    }
    this.#isBusy = true;
    this.listTarget.replaceChildren();
    this.listTarget.hidden = this.againTarget.hidden = true;
    this.#isWhole = true;
    try {
      const sent = await this.#send();
      this.#end(this.wordsValue.done.replace("{files}", String(sent)));
      this.countTarget.textContent = "";
    } catch (error) {
      this.#isWhole = false;
      const { name, message } = error as Error;
      const words = name === "Undelivered" ? message : "";
      this.#end(name === "AbortError" ? this.wordsValue.cancelled : words || this.wordsValue.failed);
    } finally {
      this.#isBusy = false;
      this.#sender = null;
      this.#waiting.length = 0;
      this.againTarget.hidden = !new Remembered(this.doorValue).hasUnfinished;
      this.#refreshFrame();
      this.#letGo();
    }
  }

  async #send(): Promise<number> {
    this.#say(this.wordsValue.sending);
    const { Sender } = await import("../../uploading/sender");
    const { notDicom, elsewhere, heic, unreadable } = this.wordsValue;
    const reasons = { notDicom, elsewhere, heic, unreadable };
    const sender = new Sender(this.doorValue, reasons, {
      onStanding: (standing) => this.#show(standing),
      onReceipt: (receipt) => this.#name(receipt),
    });
    this.#sender = sender;
    void sender.add(this.#waiting.splice(0), this.#subject);
    return sender.run();
  }

  /** What the files are said to show, where the form around asks. */
  get #subject(): string {
    const form = this.element.closest("form");
    return form ? String(new FormData(form).get("subject") ?? "") : "";
  }

  #show({ sent, of, ratio, isWaiting, moving }: Standing): void {
    this.totalsTarget.hidden = this.cancelTarget.hidden = false;
    this.progressTarget.value = ratio;
    const percent = ratio.toLocaleString(document.documentElement.lang, { style: "percent" });
    const count = this.wordsValue.count.replace("{files}", String(sent)).replace("{of}", String(of));
    this.countTarget.textContent = `${count} · ${percent}`;
    if (isWaiting) this.#say(this.wordsValue.link);
    else this.#say(this.#held ? this.wordsValue.waiting : this.wordsValue.sending);
    this.#showMoving(moving);
  }

  #showMoving(moving: Standing["moving"]): void {
    const list = this.movingTarget;
    list.hidden = moving.length === 0;
    while (list.childElementCount < moving.length) list.append(this.rowTarget.content.cloneNode(true));
    while (list.childElementCount > moving.length) list.lastElementChild?.remove();
    for (const [index, { name, files, ratio }] of moving.entries()) {
      const row = list.children[index];
      const words = files > 1 ? `${name} + ${files - 1}` : name;
      const [label, progress] = [row?.querySelector("span"), row?.querySelector("progress")];
      if (!label || !progress) continue;
      label.textContent = words;
      progress.value = ratio;
      progress.setAttribute("aria-label", words);
    }
  }

  #name(receipt: Receipt): void {
    for (const { name, code, reason } of receipt.refused ?? []) {
      if (code !== "not-dicom") this.#isWhole = false;
      const row = document.createElement("li");
      row.className = "row field-error";
      row.textContent = `${name}: ${reason}`;
      this.listTarget.append(row);
    }
    this.listTarget.hidden = this.listTarget.childElementCount === 0;
    if (receipt.received && Date.now() - this.#lastLook > LOOK_MS) this.#refreshFrame();
  }

  // Read out where it changes, and only then.
  #say(words: string): void {
    this.totalsTarget.hidden = false;
    if (this.wordsTarget.textContent !== words) this.wordsTarget.textContent = words;
  }

  #end(words: string): void {
    this.#showMoving([]);
    this.#say(words);
    this.cancelTarget.hidden = true;
  }

  #refreshFrame(): void {
    this.#lastLook = Date.now();
    const frame = this.frameValue ? document.getElementById(this.frameValue) : null;
    if (frame && "reload" in frame) lookAgain(frame as Frame, this.urlValue);
    this.dispatch("done");
  }
}
