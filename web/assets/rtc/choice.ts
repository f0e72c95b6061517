// Which devices the person chose, remembered on this device and nowhere else.

export interface Choice {
  camera?: string;
  microphone?: string;
  speaker?: string;
  /** Of a telephone: the camera that looks at its owner, or the other. */
  facing?: "user" | "environment";
  /** Noise suppression; on unless it was switched off. */
  calm?: boolean;
}

const KEY = "call-devices";

type Store = Pick<Storage, "getItem" | "setItem">;

export function remembered(store: Store | undefined = storage()): Choice {
  try {
    const kept: unknown = JSON.parse(store?.getItem(KEY) ?? "{}");
    return kept && typeof kept === "object" ? (kept as Choice) : {};
  } catch {
    return {};
  }
}

/** Remember this, too; what it does not speak of stays. */
export function remember(choice: Choice, store: Store | undefined = storage()): Choice {
  const next = { ...remembered(store), ...choice };
  try {
    store?.setItem(KEY, JSON.stringify(next));
  } catch {
    // A full or forbidden store: it holds until the page is closed.
  }
  return next;
}

function storage(): Store | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}
