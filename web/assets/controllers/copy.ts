// Puts a text into the clipboard, or marks it where the browser does not allow that.
import { Controller } from "@hotwired/stimulus";

export default class CopyController extends Controller<HTMLElement> {
  static override targets = ["text", "done"];
  declare readonly textTarget: HTMLInputElement;
  declare readonly doneTarget: HTMLElement;

  async copy(): Promise<void> {
    this.textTarget.select();
    try {
      await navigator.clipboard.writeText(this.textTarget.value);
      this.doneTarget.hidden = false;
    } catch {
      this.textTarget.focus(); // marked: one key more copies it
    }
  }
}
