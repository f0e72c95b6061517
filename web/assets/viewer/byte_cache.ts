// Keeps what was used last, up to a number of bytes.

export class ByteCache<T> {
  readonly #kept = new Map<string, { value: T; size: number }>();
  #bytes = 0;

  constructor(private readonly limit: number) {}

  has(key: string): boolean {
    return this.#kept.has(key);
  }

  get(key: string): T | undefined {
    const found = this.#kept.get(key);
    if (found) {
      this.#kept.delete(key);
      this.#kept.set(key, found);
    }
    return found?.value;
  }

  put(key: string, value: T, size: number): void {
    this.delete(key);
    this.#kept.set(key, { value, size });
    this.#bytes += size;
    for (const [oldest, { size: freed }] of this.#kept) {
      if (this.#bytes <= this.limit || oldest === key) break;
      this.#kept.delete(oldest);
      this.#bytes -= freed;
    }
  }

  delete(key: string): void {
    this.#bytes -= this.#kept.get(key)?.size ?? 0;
    this.#kept.delete(key);
  }
}
