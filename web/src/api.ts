/** The REST calls of the page. Every one has a time limit; a list is read to its end, but never without one. */
import type { Card, CarParkCard, City, Districts, Page, Past, Space } from "./contract";

const PATIENCE_MS = 15_000;
const PAGES_MAX = 50; // a list that never ends is a fault, not more work

export class Refused extends Error {
  constructor(readonly status: number) {
    super(`HTTP ${status}`);
  }
}

async function get<T>(path: string): Promise<T> {
  const answer = await fetch(path, {
    headers: { accept: "application/json, application/geo+json" },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (!answer.ok) throw new Refused(answer.status);
  return (await answer.json()) as T;
}

async function whole<T>(path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page++) {
    const more: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const { items: some, next }: Page<T> = await get(`${path}?limit=1000${more}`);
    items.push(...some);
    if (!next) return items;
    cursor = next;
  }
  return items;
}

const one = (id: string) => `/v1/car-parks/${encodeURIComponent(id)}`;

export const getCards = (): Promise<Card[]> => whole("/v1/car-parks");
export const getCard = (id: string): Promise<CarParkCard> => get(one(id));
export const getSpaces = (id: string): Promise<Space[]> => whole(`${one(id)}/spaces`);
export const getCity = (): Promise<City> => get("/v1/city");
export const getDistricts = (): Promise<Districts> => get("/v1/districts");

export async function getHistory(id: string, from: Date, until: Date, step: "raw" | "PT15M"): Promise<Past[]> {
  const query = new URLSearchParams({ from: from.toISOString(), until: until.toISOString(), step });
  return [...(await get<Page<Past>>(`${one(id)}/history?${query}`)).items];
}
