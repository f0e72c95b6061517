// A picture or a PDF for the chat: chosen, sent in pieces for as long as the line takes, shown while it is on its way.
import { Controller } from "@hotwired/stimulus";

const MOST_BYTES = 20 * 1024 * 1024;

export default class ChatFilesController extends Controller<HTMLElement> {
  static override targets = ["input", "moving", "row"];
  static override values = { door: String, failed: String, large: String };
  declare readonly inputTarget: HTMLInputElement;
  declare readonly movingTarget: HTMLElement;
  declare readonly rowTarget: HTMLTemplateElement;
  declare readonly doorValue: string;
  declare readonly failedValue: string;
  declare readonly largeValue: string;
  readonly #aborts = new Map<Element, AbortController>();

  override disconnect(): void {
    for (const abort of this.#aborts.values()) abort.abort("leave"); // what arrived stays, and may go on
  }

  choose(): void {
    this.inputTarget.click();
  }

  send(): void {
    const files = [...(this.inputTarget.files ?? [])];
    this.inputTarget.value = "";
    for (const file of files) void this.#send(file);
  }

  /** Call it off, or put away what went wrong. */
  cancel({ currentTarget }: Event): void {
    const row = (currentTarget as Element).closest("li");
    if (!row) return;
    this.#aborts.get(row)?.abort();
    this.#aborts.delete(row);
    row.remove();
  }

  async #send(file: File): Promise<void> {
    const row = (this.rowTarget.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    const part = (name: string) => row.querySelector<HTMLElement>(`[data-part=${name}]`) as HTMLElement;
    part("name").textContent = file.name;
    const progress = part("progress") as HTMLProgressElement;
    this.movingTarget.append(row);
    const abort = new AbortController();
    this.#aborts.set(row, abort);
    try {
      if (file.size > MOST_BYTES) throw new Error(this.largeValue);
      const { deliverFile } = await import("../../uploading/single");
      await deliverFile(file, {
        door: this.doorValue,
        signal: abort.signal,
        onProgress: (ratio) => {
          progress.value = ratio;
        },
        onWaiting: (isWaiting) => {
          part("waiting").hidden = !isWaiting;
        },
      });
      row.remove();
      this.#aborts.delete(row);
    } catch (error) {
      if (abort.signal.aborted) return;
      progress.hidden = part("waiting").hidden = true;
      part("error").textContent = (error as Error).message || this.failedValue;
      part("error").hidden = false;
    }
  }
}
