// Looking together: ties a study that is open here to the other party's; see studies/_together.html.jinja.
import { Controller } from "@hotwired/stimulus";
import type { DrawnMark, Looking, Spot, Together, Welcome } from "../../protocol.gen";
import type { Point } from "../geometry";
import type ViewerController from "../main";
import type { Viewer } from "../viewer";
import { Following, written } from "./following";
import { LookingClient, type LookingListener } from "./looking_client";
import { Pace } from "./pace";
import { RemotePointer, spotAt } from "./pointer";
import { Company, standing, type Word } from "./standing";

type MarksChanged = CustomEvent<{ marks: DrawnMark[] }>;

/** What the server takes. */
const MOST_MARKS = 100;

export default class TogetherController extends Controller<HTMLElement> implements LookingListener {
  static override targets = ["present", "strip", "said", "follow", "release", "arrow", "with", "choice"];
  static override values = { study: String, words: Object };
  declare readonly studyValue: string;
  declare readonly wordsValue: Record<Word, string>;
  declare readonly presentTarget: HTMLButtonElement;
  declare readonly stripTarget: HTMLElement;
  declare readonly saidTarget: HTMLElement;
  declare readonly followTarget: HTMLElement;
  declare readonly releaseTarget: HTMLElement;
  declare readonly arrowTarget: HTMLElement;
  declare readonly withTarget: HTMLSelectElement;
  declare readonly choiceTarget: HTMLElement;

  readonly #company = new Company();
  readonly #looks = new Pace<Looking>((looking) => this.#client?.look(looking) ?? Promise.resolve());
  readonly #points = new Pace<Spot | null>((spot) => this.#client?.point(spot) ?? Promise.resolve());
  readonly #measures = new Pace<DrawnMark[]>((marks) => this.#client?.marks(marks) ?? Promise.resolve());
  /** The viewer's element: marks over it tell theirs by `marks:changed`, and draw another's on `marks:show`. */
  #frame: HTMLElement | null = null;
  #marks: DrawnMark[] = [];
  #theirs: DrawnMark[] = [];
  #viewer: Viewer | null = null;
  #following: Following | null = null;
  #pointer: RemotePointer | null = null;
  #client: LookingClient | null = null;
  #arrow: HTMLElement | null = null;
  /** Where our own pointer rests on the stage. */
  #at: Point | null = null;
  #sent = "";
  /** Whether we presented when the line broke. */
  #presented = false;
  #end = new AbortController();

  override connect(): void {
    this.#end = new AbortController();
    const { signal } = this.#end;
    const frame = this.element.closest<HTMLElement>("[data-controller~=viewer]");
    const stage = frame?.querySelector<HTMLElement>("[data-viewer-target~=stage]");
    if (!frame || !stage) return;
    this.#arrow = this.arrowTarget;
    stage.append(this.#arrow);
    stage.addEventListener("pointermove", (event) => this.#pointAt(event, stage), { signal });
    stage.addEventListener("pointerleave", () => this.#pointAt(null, stage), { signal });
    this.#frame = frame;
    frame.addEventListener("viewer:changed", () => this.#look(frame), { signal });
    frame.addEventListener("marks:changed", (event) => this.#measured(event as MarksChanged), { signal });
    this.#look(frame);
  }

  override disconnect(): void {
    this.#end.abort();
    this.#leave();
    this.#viewer = null;
    if (this.#arrow) this.element.append(this.#arrow);
  }

  // What the person presses.

  present(): void {
    if (this.#company.presents) this.#client?.present(null);
    else this.#begin();
  }

  follow(): void {
    this.#following?.start();
    this.#client?.follow(true);
    this.#say();
  }

  release(): void {
    this.#following?.release();
    this.#client?.follow(false);
    this.#say();
  }

  /** Within which consult, where several share the study. */
  choose(): void {
    this.#leave();
    this.#come();
  }

  // What the server tells.

  welcome({ me, together, looking, marks }: Welcome): void {
    const letGo = this.#following?.isOn === false;
    this.#company.me = me;
    this.presentTarget.disabled = false;
    this.together(together);
    if (this.#presented && !this.#company.guide) this.#begin();
    this.#presented = false;
    if (this.#company.guide && letGo) this.release();
    if (looking) this.look(looking);
    if (marks.length) this.marks(marks);
  }

  together(together: Together): void {
    if (this.#company.take(together)) this.#turn();
    this.presentTarget.setAttribute("aria-pressed", String(this.#company.presents));
    this.#say();
  }

  look(looking: Looking): void {
    this.#following?.take(looking);
  }

  point(spot: Spot | null): void {
    const { guide } = this.#company;
    if (spot && guide) this.#pointer?.show(spot, guide.name);
    else this.#pointer?.hide();
  }

  marks(marks: DrawnMark[]): void {
    this.#theirs = marks;
    this.#frame?.dispatchEvent(new CustomEvent("marks:show", { detail: { marks } }));
  }

  offline(): void {
    this.#presented ||= this.#company.presents;
    this.#forget();
    this.#say("offline");
  }

  over(): void {
    this.#forget();
    this.#say("over");
  }

  // The rest is ours.

  /** The viewer is here, or shows something else. */
  #look(frame: HTMLElement): void {
    const found = this.application.getControllerForElementAndIdentifier(frame, "viewer") as ViewerController | null;
    const viewer = found?.viewer;
    if (!viewer || !this.#arrow) return;
    if (viewer !== this.#viewer) {
      this.#viewer = viewer;
      this.#pointer = new RemotePointer(this.#arrow, viewer);
      this.#following = new Following(viewer, () => {
        this.#client?.follow(false);
        this.#say();
      });
      if (!this.#client) this.#come();
    }
    this.#following?.changed();
    this.#pointer?.place();
    if (this.#company.presents && written(viewer.looking) !== this.#sent) {
      this.#sent = written(viewer.looking);
      this.#looks.put(viewer.looking);
      this.#point();
    }
  }

  #come(): void {
    const consult = this.element.closest<HTMLElement>("[data-room-consult-value]")?.dataset.roomConsultValue;
    const known = [...this.withTarget.options].some(({ value }) => value === consult);
    this.choiceTarget.hidden = known || this.withTarget.options.length < 2;
    if (known && consult) this.withTarget.value = consult;
    this.#client = new LookingClient({ study: this.studyValue, consult: this.withTarget.value }, this);
  }

  #leave(): void {
    this.#client?.close();
    this.#client = null;
    this.#presented = false;
    this.#forget();
    this.#say();
  }

  /** Show what we look at. */
  #begin(): void {
    if (!this.#viewer) return;
    this.#sent = written(this.#viewer.looking);
    this.#client?.present(this.#viewer.looking);
  }

  /** Somebody else presents now, or nobody: what was of the one before is gone. */
  #turn(): void {
    this.#looks.clear();
    this.#points.clear();
    this.#measures.clear();
    this.#pointer?.hide();
    this.#following?.stop();
    this.marks([]);
    if (this.#company.guide) this.#following?.start();
    if (!this.#company.presents) return;
    this.#point();
    if (this.#marks.length) this.#measures.put(this.#marks);
  }

  #forget(): void {
    this.#company.forget();
    this.#turn();
    this.presentTarget.disabled = true;
    this.presentTarget.setAttribute("aria-pressed", "false");
  }

  #pointAt(event: PointerEvent | null, stage: HTMLElement): void {
    const box = event && stage.getBoundingClientRect();
    this.#at = event && box && { x: event.clientX - box.left, y: event.clientY - box.top };
    if (!this.#company.presents) return;
    if (this.#at) this.#point();
    else this.#points.put(null);
  }

  #measured({ detail: { marks } }: MarksChanged): void {
    this.#marks = marks.slice(0, MOST_MARKS);
    if (this.#company.presents) this.#measures.put(this.#marks);
    else if (this.#theirs.length) this.marks(this.#theirs); // who draws may have come after them
  }

  #point(): void {
    if (this.#at && this.#viewer) this.#points.put(spotAt(this.#at, this.#viewer));
  }

  /** Say where it stands: in these words, or as it is. */
  #say(word?: Word): void {
    const said = word ? { word, name: "", act: null } : standing(this.#company, this.#following?.isOn ?? true);
    const text = said ? this.wordsValue[said.word].replace("{name}", said.name) : "";
    if (this.saidTarget.textContent !== text) this.saidTarget.textContent = text;
    this.followTarget.hidden = said?.act !== "follow";
    this.releaseTarget.hidden = said?.act !== "release";
    this.stripTarget.hidden = !said;
  }
}
