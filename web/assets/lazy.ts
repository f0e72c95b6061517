// Stimulus controllers that not every page needs: fetched when an element first names them.
import type { Application, ControllerConstructor } from "@hotwired/stimulus";

type Load = () => Promise<ControllerConstructor>;

export class LazyControllers {
  readonly #loads = new Map<string, Load>();

  constructor(
    private readonly application: Pick<Application, "register">,
    loads: Record<string, Load>,
  ) {
    for (const [name, load] of Object.entries(loads)) this.#loads.set(name, load);
  }

  /** Look through the page now, and through whatever is put into it later. */
  watch(root: Document): void {
    this.#look(root);
    new MutationObserver((changes) => {
      for (const change of changes) {
        if (change.type === "attributes") this.#name(change.target as Element);
        for (const node of change.addedNodes) if (node instanceof Element) this.#look(node);
      }
    }).observe(root, { subtree: true, childList: true, attributeFilter: ["data-controller"] });
  }

  #look(root: Element | Document): void {
    if (root instanceof Element) this.#name(root);
    for (const element of root.querySelectorAll("[data-controller]")) this.#name(element);
  }

  #name(element: Element): void {
    for (const name of element.getAttribute("data-controller")?.split(/\s+/) ?? []) {
      const load = this.#loads.get(name);
      if (!load) continue;
      this.#loads.delete(name);
      load().then(
        (controller) => this.application.register(name, controller),
        () => this.#loads.set(name, load),
      );
    }
  }
}
