// A passkey in place of typed words: <form data-controller="passkey" data-passkey-site-value="clinic.example"
// data-passkey-options-value="…">. The server says what to ask of the device; its answer goes with the form, in its hidden field.
// `making` makes a new passkey; `autofill` offers those there are in the list under the first field, too.
import { Controller } from "@hotwired/stimulus";
import {
  browserSupportsWebAuthn,
  browserSupportsWebAuthnAutofill,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  startAuthentication,
  startRegistration,
  WebAuthnAbortService,
} from "@simplewebauthn/browser";
import { ownHeaders } from "./requests";

/** Challenges are good for five minutes. */
const OFFERED_FOR_MS = 4 * 60_000;

type Problem = "refused" | "taken" | "failed";

export default class PasskeyController extends Controller<HTMLFormElement> {
  static override targets = ["way", "elsewhere", "answer", "problem"];
  static override values = { site: String, options: String, making: Boolean, autofill: Boolean };
  declare readonly wayTargets: HTMLElement[];
  declare readonly elsewhereTargets: HTMLElement[];
  declare readonly answerTarget: HTMLInputElement;
  declare readonly problemTarget: HTMLElement;
  declare readonly siteValue: string;
  declare readonly optionsValue: string;
  declare readonly makingValue: boolean;
  declare readonly autofillValue: boolean;
  #offering?: ReturnType<typeof setInterval>;
  #asking = false;

  override connect(): void {
    const works = browserSupportsWebAuthn() && this.#isHere();
    for (const element of this.wayTargets) element.hidden = !works;
    for (const element of this.elsewhereTargets) element.hidden = works;
    if (!works || !this.autofillValue) return;
    this.#offering = setInterval(() => void this.#offer(), OFFERED_FOR_MS);
    void this.#offer();
  }

  override disconnect(): void {
    clearInterval(this.#offering);
    WebAuthnAbortService.cancelCeremony();
  }

  /** Ask the device, and send the form with its answer. */
  async ask(): Promise<void> {
    if (this.makingValue && !this.element.reportValidity()) return;
    this.problemTarget.hidden = true;
    this.#asking = true;
    try {
      this.#send(await this.#answer());
    } catch (error) {
      this.#say(error);
    }
    this.#asking = false;
  }

  // A passkey is bound to a domain and holds for what is under it.
  #isHere(): boolean {
    const { siteValue: site } = this;
    return site !== "" && (location.hostname === site || location.hostname.endsWith(`.${site}`));
  }

  async #offer(): Promise<void> {
    if (document.hidden || !(await browserSupportsWebAuthnAutofill())) return;
    try {
      const optionsJSON = await this.#options();
      if (this.#asking) return; // an offer would call off what the button asked for
      this.#send(await startAuthentication({ optionsJSON, useBrowserAutofill: true }));
    } catch {
      // Nobody chose one, or the button was pressed instead: the offer was only an offer.
    }
  }

  async #answer(): Promise<unknown> {
    if (!this.makingValue) return startAuthentication({ optionsJSON: await this.#options() });
    return startRegistration({ optionsJSON: await this.#options<PublicKeyCredentialCreationOptionsJSON>() });
  }

  async #options<T = PublicKeyCredentialRequestOptionsJSON>(): Promise<T> {
    const response = await fetch(this.optionsValue, { method: "POST", headers: ownHeaders() });
    // Too long ago that one proved who one is: the page of a new passkey knows where to go. Others may hold a call.
    if (response.status === 403 && this.makingValue) location.reload();
    if (!response.ok) throw new TypeError(`${response.status}`);
    return (await response.json()) as T;
  }

  #send(answer: unknown): void {
    this.answerTarget.value = JSON.stringify(answer);
    this.element.noValidate = true; // a password that is asked for beside it is not needed now
    this.element.requestSubmit();
  }

  #say(error: unknown): void {
    const { name } = error as Error;
    const problem: Problem = name === "InvalidStateError" ? "taken" : name === "TypeError" ? "failed" : "refused";
    this.problemTarget.textContent = this.problemTarget.dataset[problem] ?? "";
    this.problemTarget.hidden = false;
  }
}
