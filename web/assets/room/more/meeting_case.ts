// The page of a team meeting goes with it from case to case: the call stays as it is, what stands around it is fetched anew.
import { Controller } from "@hotwired/stimulus";
import { type Frame, lookAgain } from "../../frames";
import { withCall } from "../present_call";

/** What stands in an address for the consult's id. */
const ANY = "00000000-0000-0000-0000-000000000000";

export default class MeetingCaseController extends Controller<HTMLElement> {
  static override targets = ["door", "frame"];
  static override values = { consult: String };
  /** What says in one of its attributes where things of the case are sent to. */
  declare readonly doorTargets: HTMLElement[];
  declare readonly frameTargets: Frame[];
  /** The case that the page shows; empty for none. */
  declare consultValue: string;
  #ends?: () => void;

  override connect(): void {
    this.#ends = withCall((call) => call.tell({ joined: ({ consult }) => this.#turnTo(consult ?? "") }));
  }

  override disconnect(): void {
    this.#ends?.();
  }

  #turnTo(consult: string): void {
    if (consult === this.consultValue) return;
    this.consultValue = consult;
    for (const door of this.doorTargets) {
      const { attribute = "", path = "" } = door.dataset;
      door.setAttribute(attribute, consult && path.replace(ANY, consult));
    }
    for (const frame of this.frameTargets) lookAgain(frame, frame.dataset.url ?? "");
    this.dispatch("turned");
  }
}
