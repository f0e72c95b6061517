// Puts a text into the clipboard, or marks it where the browser does not allow that; or hands it to another app.
import { Controller } from "@hotwired/stimulus";

export default class CopyController extends Controller<HTMLElement> {
  static override targets = ["text", "done", "share"];
  declare readonly textTarget: HTMLElement;
  declare readonly doneTarget: HTMLElement;

  /** Only where the device has somewhere to share to. */
  shareTargetConnected(button: HTMLElement): void {
    button.hidden = !("share" in navigator);
  }

  async share({ currentTarget }: Event): Promise<void> {
    const { title } = (currentTarget as HTMLElement).dataset;
    await navigator.share({ title, url: this.#text }).catch(() => undefined); // thought better of
  }

  async copy(): Promise<void> {
    const field = this.#field;
    if (field) field.select();
    else getSelection()?.selectAllChildren(this.textTarget);
    try {
      await navigator.clipboard.writeText(this.#text);
      this.doneTarget.hidden = false;
    } catch {
      field?.focus(); // marked: one key more copies it
    }
  }

  get #field(): HTMLInputElement | HTMLTextAreaElement | null {
    const text = this.textTarget;
    return text instanceof HTMLInputElement || text instanceof HTMLTextAreaElement ? text : null;
  }

  get #text(): string {
    return this.#field?.value ?? this.textTarget.textContent?.trim() ?? "";
  }
}
