// Asks the server for the marks that are kept in a study, and gives it new ones to keep.
import { ownHeaders } from "../../requests";
import type { Kept, Sent } from "./sheet";

/** The server said no; the message says why, in the reader's words. */
export class NotKept extends Error {}

export class Keeper {
  #last = { marks: "", key: "" };

  /** `address` is that of the study's measurements. */
  constructor(private readonly address: string) {}

  async kept(): Promise<Kept[]> {
    const answer = await fetch(this.address, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    return ((await answer.json()) as { marks: Kept[] }).marks;
  }

  /**
   * The UID of the report they stand in. The same marks again, after an answer was lost, are kept once. Throws NotKept, or
   * what the network throws.
   */
  async keep(sent: Sent[]): Promise<string> {
    const marks = JSON.stringify(sent);
    if (marks !== this.#last.marks) this.#last = { marks, key: randomKey() };
    const answer = await fetch(this.address, {
      method: "POST",
      headers: { ...ownHeaders(), "Content-Type": "application/json" },
      body: JSON.stringify({ key: this.#last.key, marks: sent }),
    });
    const told = (await answer.json().catch(() => ({}))) as { error?: string; report?: string };
    if (answer.ok && told.report) return told.report;
    throw new NotKept(told.error ?? "");
  }
}

/** As UUIDs are written; `crypto.randomUUID` is not there without TLS. */
function randomKey(): string {
  const digits = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0"));
  return digits.join("");
}
