// Several names in one sentence, joined as the page's language joins them.

export function listed(names: readonly string[]): string {
  return new Intl.ListFormat(document.documentElement.lang || undefined).format(names);
}
