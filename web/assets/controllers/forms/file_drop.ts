// Files by hand, folder or drop, sent at once with progress and a way to stop. See the file_drop macro.
// A form named by `data-file-drop-before-value` (its id) goes only once the files have arrived.
import { Controller } from "@hotwired/stimulus";
import { droppedFiles } from "../../dropped_files";
import { type Frame, lookAgain } from "../../frames";
import { type Receipt, sendAll } from "../../sending";

export default class FileDropController extends Controller<HTMLElement> {
  static override targets = ["zone", "list", "totals", "progress", "percent", "words", "cancel"];
  static override values = { url: String, name: String, frame: String, before: String, words: Object };
  declare readonly zoneTarget: HTMLElement;
  declare readonly listTarget: HTMLElement;
  declare readonly totalsTarget: HTMLElement;
  declare readonly progressTarget: HTMLProgressElement;
  declare readonly percentTarget: HTMLElement;
  declare readonly wordsTarget: HTMLElement;
  declare readonly cancelTarget: HTMLButtonElement;
  declare readonly urlValue: string;
  declare readonly nameValue: string;
  declare readonly frameValue: string;
  declare readonly beforeValue: string;
  declare readonly wordsValue: Record<"sending" | "done" | "failed" | "cancelled" | "waiting", string>;
  #abort: AbortController | null = null;
  readonly #waiting: File[] = [];
  #held: SubmitEvent | null = null;

  override connect(): void {
    this.element.dataset.scripted = "true";
    document.addEventListener("submit", this.#hold, true);
    // This script may come after the first choice.
    if (this.urlValue) for (const input of this.element.querySelectorAll("input")) void this.#takeFrom(input);
  }

  override disconnect(): void {
    document.removeEventListener("submit", this.#hold, true);
    this.cancel();
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

  /** Without a URL the files travel with their form, and nothing happens here. */
  async choose(event: Event): Promise<void> {
    if (this.urlValue) await this.#takeFrom(event.currentTarget as HTMLInputElement);
  }

  cancel(): void {
    this.#waiting.length = 0;
    this.#abort?.abort();
  }

  async #takeFrom(input: HTMLInputElement): Promise<void> {
    if (input.type !== "file" || !input.files?.length) return;
    const files = [...input.files];
    input.value = "";
    await this.#take(files);
  }

  // Leaving now would call off what is on its way: the form waits, and goes by itself when all has arrived.
  readonly #hold = (event: SubmitEvent): void => {
    if (!this.#abort || (event.target as HTMLFormElement).id !== this.beforeValue) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.#held = event;
    this.wordsTarget.textContent = this.wordsValue.waiting;
    this.totalsTarget.scrollIntoView({ block: "center" });
  };

  #letGo(isWhole: boolean): void {
    const held = this.#held;
    this.#held = null;
    if (held && isWhole) (held.target as HTMLFormElement).requestSubmit(held.submitter);
  }

  async #take(files: File[]): Promise<void> {
    this.#waiting.push(...files);
    if (this.#abort || this.#waiting.length === 0) return;
    this.#abort = new AbortController();
    this.listTarget.replaceChildren();
    let isWhole = false;
    try {
      await this.#send(this.#abort.signal);
      isWhole = this.listTarget.childElementCount === 0;
    } catch (error) {
      const cancelled = error instanceof DOMException && error.name === "AbortError";
      this.#end(cancelled ? this.wordsValue.cancelled : (error as Error).message || this.wordsValue.failed);
    } finally {
      this.#abort = null;
      this.#waiting.length = 0;
      this.#refreshFrame();
      this.#letGo(isWhole);
    }
  }

  async #send(signal: AbortSignal): Promise<void> {
    const sent = await sendAll(this.#waiting, {
      url: this.urlValue,
      name: this.nameValue,
      signal,
      onProgress: (files, of, ratio) => this.#show(files, of, ratio),
      onReceipt: (receipt) => this.#name(receipt),
    });
    this.#end(this.wordsValue.done.replace("{files}", String(sent)));
  }

  #show(files: number, of: number, ratio: number): void {
    this.totalsTarget.hidden = false;
    this.cancelTarget.hidden = false;
    this.progressTarget.value = ratio;
    this.percentTarget.textContent = ratio.toLocaleString(document.documentElement.lang, { style: "percent" });
    if (this.#held) return;
    this.wordsTarget.textContent = this.wordsValue.sending
      .replace("{files}", String(files))
      .replace("{of}", String(of));
  }

  #name(receipt: Receipt): void {
    for (const { name, reason } of receipt.refused ?? []) {
      const row = document.createElement("li");
      row.className = "row field-error";
      row.textContent = `${name}: ${reason}`;
      this.listTarget.append(row);
    }
    this.listTarget.hidden = this.listTarget.childElementCount === 0;
  }

  #end(words: string): void {
    this.wordsTarget.textContent = words;
    this.cancelTarget.hidden = true;
  }

  #refreshFrame(): void {
    const frame = this.frameValue ? document.getElementById(this.frameValue) : null;
    if (frame && "reload" in frame) lookAgain(frame as Frame, this.urlValue);
    this.dispatch("done");
  }
}
