// Puts a text into the clipboard, or marks it where the browser does not allow that.
import { Controller } from "@hotwired/stimulus";

export default class CopyController extends Controller<HTMLElement> {
  static override targets = ["text", "done"];
  declare readonly textTarget: HTMLElement;
  declare readonly doneTarget: HTMLElement;

  async copy(): Promise<void> {
    const field = this.textTarget instanceof HTMLInputElement ? this.textTarget : null;
    if (field) field.select();
    else getSelection()?.selectAllChildren(this.textTarget);
    try {
      await navigator.clipboard.writeText(field?.value ?? this.textTarget.textContent?.trim() ?? "");
      this.doneTarget.hidden = false;
    } catch {
      field?.focus(); // marked: one key more copies it
    }
  }
}
