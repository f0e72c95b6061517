// Opens the <dialog> that `popovertarget` names as a modal one: the page behind is inert and the focus comes back.
import { Controller } from "@hotwired/stimulus";

export default class DialogButtonController extends Controller<HTMLButtonElement> {
  open(event: Event): void {
    const dialog = document.getElementById(this.element.getAttribute("popovertarget") ?? "");
    if (!(dialog instanceof HTMLDialogElement)) return;
    event.preventDefault();
    if (!dialog.open) dialog.showModal();
  }
}
