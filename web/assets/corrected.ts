// A field the server refused is red until it is corrected: not until the form is sent again.

/** What says that `field` was refused, so far as it names it. */
function messages(field: Element): HTMLElement[] {
  const named = (field.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id.endsWith("-error"));
  const own = named.flatMap((id) => document.getElementById(id) ?? []);
  const group = field.matches("[type=radio], [type=checkbox]") ? field.closest("fieldset") : null;
  return [...own, ...(group?.querySelectorAll<HTMLElement>(":scope > .field-error") ?? [])];
}

/** Take the refusal away from a field whose value changed and that is not empty; its words stay with the form that is sent. */
export function corrected(event: Event): void {
  const field = event.target;
  if (
    !(field instanceof HTMLInputElement || field instanceof HTMLSelectElement || field instanceof HTMLTextAreaElement)
  )
    return;
  const isToggle = field.matches("[type=radio], [type=checkbox]");
  if (isToggle ? !(field as HTMLInputElement).checked : !field.value.trim() || !field.validity.valid) return;
  for (const message of messages(field)) message.hidden = true;
  field.removeAttribute("aria-invalid");
  if (document.querySelector("[aria-invalid=true], .field-error:not([hidden])")) return;
  for (const summary of document.querySelectorAll<HTMLElement>("[data-refused]")) summary.hidden = true;
}

for (const change of ["input", "change"]) document.addEventListener(change, corrected);
