// A piece of our program that the page cannot do without, over a line that breaks.

const AGAIN = 2_000; // ms

/**
 * What `load` imports. A browser does not ask again for a module that once failed to come: so its files, at `addresses`,
 * are fetched first, as often as it takes, and the module comes out of the cache.
 */
export async function persistently<T>(addresses: readonly string[], load: () => Promise<T>): Promise<T> {
  for (const address of addresses) while (!(await has(address))) await pause();
  return load();
}

async function has(address: string): Promise<boolean> {
  try {
    const answer = await fetch(address);
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, AGAIN));
}
