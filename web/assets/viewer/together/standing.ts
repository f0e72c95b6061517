// Who looks at the study with us, who presents, and what is said of it.
import type { Looker, Together } from "../../protocol.gen";

/** What can be said; the page gives the words, with {name} in them. */
export type Word = "alone" | "shown" | "astray" | "follows" | "free" | "here" | "offline" | "over";

export interface Standing {
  word: Word;
  name: string;
  /** What can be done about it. */
  act: "follow" | "release" | null;
}

export class Company {
  me = "";
  #people: readonly Looker[] = [];
  #presenter: string | null = null;

  /** Take what the server tells. Returns whether another presents than before. */
  take({ people, presenter }: Together): boolean {
    const before = this.#presenter;
    this.#people = people;
    this.#presenter = presenter ?? null;
    return this.#presenter !== before;
  }

  /** Whether we present. */
  get presents(): boolean {
    return this.#presenter !== null && this.#presenter === this.me;
  }

  /** Who presents, where it is not us. */
  get guide(): Looker | undefined {
    return this.others.find(({ id }) => id === this.#presenter);
  }

  get others(): Looker[] {
    return this.#people.filter(({ id }) => id !== this.me);
  }

  /** Nobody is there, as far as we know. */
  forget(): void {
    this.#people = [];
    this.#presenter = null;
  }
}

/** What to say of it; null where there is nothing to say. */
export function standing(company: Company, follows: boolean): Standing | null {
  const { guide, others } = company;
  if (guide) {
    return follows
      ? { word: "follows", name: guide.name, act: "release" }
      : { word: "free", name: guide.name, act: "follow" };
  }
  if (!company.presents) return others.length ? { word: "here", name: names(others), act: null } : null;
  const astray = others.filter((one) => !one.follows);
  if (astray.length) return { word: "astray", name: names(astray), act: null };
  return { word: others.length ? "shown" : "alone", name: names(others), act: null };
}

/** Each name once, however many windows they have open. */
function names(people: Looker[]): string {
  return [...new Set(people.map(({ name }) => name))].join(", ");
}
