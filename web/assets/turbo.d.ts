// Turbo brings no types; this is all we use of it.
declare module "@hotwired/turbo" {
  export const config: { drive: { progressBarDelay: number } };
  export function visit(location: string, options?: { action?: "advance" | "replace" }): void;
}
