// Dictation with what the browser offers (Web Speech API). Its maker may hear what is said: the page says so while it listens, the
// establishment must have allowed it, and where the browser offers nothing there is no button.
import { Controller } from "@hotwired/stimulus";

interface Heard {
  readonly resultIndex: number;
  readonly results: ArrayLike<ArrayLike<{ transcript: string }> & { isFinal: boolean }>;
}
interface Recognition {
  lang: string;
  continuous: boolean;
  interimResults: boolean;
  onresult: ((event: Heard) => void) | null;
  onerror: ((event: { error: string }) => void) | null;
  onend: (() => void) | null;
  start(): void;
  stop(): void;
  abort(): void;
}

export default class DictationController extends Controller<HTMLFormElement> {
  static override targets = ["tool", "warning", "heard"];
  static override values = { language: String };
  declare readonly toolTargets: HTMLElement[];
  declare readonly warningTarget: HTMLElement;
  declare readonly heardTarget: HTMLElement;
  declare readonly languageValue: string;
  #recognition?: Recognition;
  #button?: HTMLButtonElement;

  override connect(): void {
    for (const tool of this.toolTargets) tool.hidden = !offered();
  }

  override disconnect(): void {
    this.#recognition?.abort();
  }

  /** Listen for one section; pressed again, or for another, stop. */
  toggle({ currentTarget, params }: Event & { params: { section: string } }): void {
    const button = currentTarget as HTMLButtonElement;
    const wasOn = this.#button === button;
    this.#recognition?.stop();
    this.#ended();
    if (!wasOn) this.#listen(button, this.element.elements.namedItem(params.section) as HTMLTextAreaElement);
  }

  #listen(button: HTMLButtonElement, area: HTMLTextAreaElement): void {
    const Recognizer = offered();
    if (!Recognizer) return;
    const recognition = new Recognizer();
    Object.assign(recognition, { lang: this.languageValue, continuous: true, interimResults: true });
    recognition.onresult = (event) => this.#write(area, event);
    recognition.onerror = ({ error }) => {
      if (error !== "no-speech" && error !== "aborted")
        this.heardTarget.textContent = this.heardTarget.dataset.failed ?? "";
    };
    recognition.onend = () => {
      if (this.#recognition === recognition) this.#ended();
    };
    this.heardTarget.textContent = "";
    this.#recognition = recognition;
    this.#button = button;
    button.setAttribute("aria-pressed", "true");
    this.warningTarget.hidden = false;
    recognition.start();
  }

  #write(area: HTMLTextAreaElement, { resultIndex, results }: Heard): void {
    let unsure = "";
    for (let index = resultIndex; index < results.length; index += 1) {
      const result = results[index];
      const said = result?.[0]?.transcript.trim() ?? "";
      if (!result?.isFinal) unsure += ` ${said}`;
      else if (said) append(area, said);
    }
    this.heardTarget.textContent = unsure.trim();
  }

  #ended(): void {
    this.#button?.setAttribute("aria-pressed", "false");
    this.#button = undefined;
    this.#recognition = undefined;
    this.warningTarget.hidden = !this.heardTarget.textContent;
  }
}

function append(area: HTMLTextAreaElement, said: string): void {
  const at = area.value.length;
  area.setRangeText(`${at === 0 || /\s$/.test(area.value) ? "" : " "}${said}`, at, at, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

function offered(): (new () => Recognition) | undefined {
  const known = globalThis as {
    SpeechRecognition?: new () => Recognition;
    webkitSpeechRecognition?: new () => Recognition;
  };
  return known.SpeechRecognition ?? known.webkitSpeechRecognition;
}
