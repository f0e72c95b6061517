// Words of a draft that the line did not take yet, kept on this device until it does. They are sealed (AES-GCM) with a key made of
// a secret that the page of the editor carries and nothing keeps: who has signed out, or another person on this device, opens none.

export const DATABASE = "teleconsult-drafts";
const STORE = "kept";
const WEEK_MS = 7 * 24 * 3600 * 1000;

export type Words = Record<string, string>;

/** What one window had written on top of the draft's `version`. */
export interface Kept {
  readonly tab: string;
  readonly version: string;
  readonly words: Words;
}

interface Sealed {
  readonly id: string;
  readonly note: string;
  readonly tab: string;
  readonly at: number;
  readonly iv: Uint8Array<ArrayBuffer>;
  readonly sealed: ArrayBuffer;
}

/** The words of one draft on this device. Where the browser seals nothing (no https), nothing is kept. */
export class KeptWords {
  #gone = false;

  private constructor(
    private readonly database: IDBDatabase,
    private readonly key: CryptoKey,
    private readonly note: string,
  ) {
    // Somebody signs out in another window: nothing is kept from here on.
    database.onversionchange = () => {
      this.#gone = true;
      database.close();
    };
  }

  static async open(note: string, secret: string): Promise<KeptWords | undefined> {
    if (!globalThis.crypto?.subtle || !globalThis.indexedDB) return undefined;
    const raw = Uint8Array.from(atob(secret.replaceAll("-", "+").replaceAll("_", "/")), (byte) => byte.charCodeAt(0));
    const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
    return new KeptWords(await openDatabase(), key, note);
  }

  async keep(kept: Kept): Promise<void> {
    if (this.#gone) return;
    const id = `${this.note}:${kept.tab}`;
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const plain = new TextEncoder().encode(JSON.stringify([kept.version, kept.words]));
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bytes(id) }, this.key, plain);
    await this.#store((store) =>
      store.put({ id, note: this.note, tab: kept.tab, at: Date.now(), iv, sealed } satisfies Sealed),
    );
  }

  /** What every window kept, latest first. What cannot be opened is not ours, and what is older than a week is over: both go. */
  async all(): Promise<Kept[]> {
    const found = ((await this.#store((store) => store.getAll())) ?? []) as Sealed[];
    const opened: Kept[] = [];
    for (const one of found.sort((a, b) => b.at - a.at)) {
      const kept = one.note === this.note ? await this.#unseal(one) : undefined;
      if (kept) opened.push(kept);
      if (one.at < Date.now() - WEEK_MS || (one.note === this.note && !kept)) {
        await this.#store((store) => store.delete(one.id));
      }
    }
    return opened;
  }

  async forget(tab: string): Promise<void> {
    await this.#store((store) => store.delete(`${this.note}:${tab}`));
  }

  close(): void {
    this.#gone = true;
    this.database.close();
  }

  async #unseal(one: Sealed): Promise<Kept | undefined> {
    try {
      const settings = { name: "AES-GCM", iv: one.iv, additionalData: bytes(one.id) };
      const plain = await crypto.subtle.decrypt(settings, this.key, one.sealed);
      const [version, words] = JSON.parse(new TextDecoder().decode(plain)) as [string, Words];
      return { tab: one.tab, version, words };
    } catch {
      return undefined;
    }
  }

  async #store<Result>(act: (store: IDBObjectStore) => IDBRequest<Result>): Promise<Result | undefined> {
    if (this.#gone) return undefined;
    return await settled(act(this.database.transaction(STORE, "readwrite").objectStore(STORE)));
  }
}

/** Once a draft is signed, nothing of it stays on this device. */
export async function forgetNote(note: string): Promise<void> {
  if (!globalThis.indexedDB) return;
  const database = await openDatabase();
  const store = database.transaction(STORE, "readwrite").objectStore(STORE);
  for (const key of await settled(store.getAllKeys())) if (String(key).startsWith(`${note}:`)) store.delete(key);
  database.close();
}

async function openDatabase(): Promise<IDBDatabase> {
  const asked = indexedDB.open(DATABASE, 1);
  asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
  return await settled(asked);
}

function settled<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;
}
