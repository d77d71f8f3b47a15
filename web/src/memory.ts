/** What a reader chose before. A browser that keeps nothing is no reason to fail. */

export function remembered(what: string): string | null {
  try {
    return localStorage.getItem(`berth.${what}`);
  } catch {
    return null;
  }
}

export function remember(what: string, value: string): void {
  try {
    localStorage.setItem(`berth.${what}`, value);
  } catch {
    // private windows may refuse; the choice then lasts as long as the page
  }
}
