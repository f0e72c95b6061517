// Keeps "12 min ago" true while the page stays open: <time datetime data-controller="age" data-age-locale-value="fr">.
import { Controller } from "@hotwired/stimulus";

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
];

/** How long ago `then` was (or in how long it will be), in the largest unit that fits; `lately` within a minute. */
export function relativeAge(then: Date, now: Date, locale: string, lately = ""): string {
  const seconds = (then.getTime() - now.getTime()) / 1000;
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return lately && seconds <= 0 ? lately : format.format(0, "second");
}

export default class AgeController extends Controller<HTMLTimeElement> {
  static override values = { locale: String, lately: String };
  declare readonly latelyValue: string;
  declare readonly localeValue: string;
  #timer?: ReturnType<typeof setInterval>;

  override connect(): void {
    this.#tick();
    this.#timer = setInterval(() => this.#tick(), 30_000);
  }

  override disconnect(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const then = new Date(this.element.dateTime);
    if (Number.isNaN(then.getTime())) return;
    this.element.textContent = relativeAge(then, new Date(), this.localeValue, this.latelyValue);
  }
}
