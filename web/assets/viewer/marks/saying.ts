// Marks in words: a label on the image, a line of the list.
import type { Mark } from "./sheet";

export type Words = Record<
  ("length" | "angle" | "area" | "mean" | "detector" | "kept") | ("mm" | "mm2" | "px" | "px2" | "deg" | "HU"),
  string
>;

/** So that a number never stands on another line than its unit. */
const SPACE = "\u00a0";
const MINUS = "\u2212";
const DIGITS: Record<string, number> = { mm: 1, mm2: 1, deg: 1 };

/** What a mark is, and then each of its values on a line of its own. */
export function labelOf(mark: Mark, words: Words, locale: string): string[] {
  const say = (quantity: string): string | null => {
    const found = mark.values.find((value) => value.quantity === quantity);
    return found ? number(found.value, DIGITS[found.unit] ?? 0, locale) : null;
  };
  const main = mark.values.find((value) => value.quantity === mark.kind);
  const lines = main ? [withUnit(say(mark.kind) ?? "", main.unit, words)] : [words[mark.kind]];
  if (mark.atDetector) lines.push(words.detector);
  const [mean, min, max] = [say("mean"), say("min"), say("max")];
  if (mean !== null) lines.push(`${words.mean} ${withUnit(mean, "HU", words)}`);
  if (min !== null && max !== null) lines.push(`${min}${SPACE}…${SPACE}${withUnit(max, "HU", words)}`);
  return lines;
}

/** For a list and for who listens: the kind first. */
export function sentenceOf(mark: Mark, words: Words, locale: string): string {
  return [words[mark.kind], ...labelOf(mark, words, locale)].join(" · ");
}

function withUnit(value: string, unit: string, words: Words): string {
  const name = unit in words ? words[unit as keyof Words] : unit;
  return unit === "deg" ? `${value}${name}` : `${value}${SPACE}${name}`;
}

/** As the reader writes it, but with a true minus, and none before nothing. */
function number(value: number, digits: number, locale: string): string {
  const written = Math.abs(value).toLocaleString(locale, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return value < 0 && /[1-9]/.test(written) ? `${MINUS}${written}` : written;
}
