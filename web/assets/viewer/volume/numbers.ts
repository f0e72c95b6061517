// Numbers as the reader's language writes them, with a true minus.

export class Numbers {
  constructor(private readonly language: string) {}

  /** With so many digits after the point. */
  fixed(value: number, digits: number): string {
    return this.#written(value, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  /** With so many digits that mean something, at the most. */
  rounded(value: number, digits: number): string {
    return this.#written(value, { maximumSignificantDigits: digits });
  }

  #written(value: number, how: Intl.NumberFormatOptions): string {
    const format = new Intl.NumberFormat(this.language, { ...how, useGrouping: false, signDisplay: "negative" });
    return format.format(value).replace("-", "−");
  }
}
