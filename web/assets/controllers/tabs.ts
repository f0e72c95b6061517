// Panels one below the other become tabs (WAI-ARIA tabs pattern). Without it the links jump to the panels.
import { Controller } from "@hotwired/stimulus";

export default class TabsController extends Controller<HTMLElement> {
  static override targets = ["tab", "panel"];
  declare readonly tabTargets: HTMLAnchorElement[];
  declare readonly panelTargets: HTMLElement[];

  override connect(): void {
    for (const tab of this.tabTargets) {
      const panel = this.#panel(tab);
      tab.parentElement?.setAttribute("role", "tablist");
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel?.id ?? "");
      panel?.setAttribute("role", "tabpanel");
    }
    const named = this.tabTargets.find((tab) => tab.hash !== "" && tab.hash === location.hash);
    const first = named ?? this.tabTargets.find((tab) => tab.dataset.selected) ?? this.tabTargets[0];
    if (first) this.#select(first);
  }

  choose(event: Event): void {
    event.preventDefault();
    this.#select(event.currentTarget as HTMLAnchorElement);
  }

  /** Arrow keys, Home and End move between the tabs. */
  step(event: KeyboardEvent): void {
    const tabs = this.tabTargets;
    const here = tabs.indexOf(event.currentTarget as HTMLAnchorElement);
    const steps: Record<string, number> = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: tabs.length - 1 };
    const there = steps[event.key];
    if (there === undefined) return;
    event.preventDefault();
    const tab = tabs[(there + tabs.length) % tabs.length];
    if (tab) {
      this.#select(tab);
      tab.focus();
    }
  }

  #select(chosen: HTMLAnchorElement): void {
    for (const tab of this.tabTargets) {
      const selected = tab === chosen;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      const panel = this.#panel(tab);
      if (panel) panel.hidden = !selected;
    }
  }

  #panel(tab: HTMLAnchorElement): HTMLElement | undefined {
    return this.panelTargets.find((panel) => `#${panel.id}` === tab.hash);
  }
}
