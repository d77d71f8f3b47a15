/** The city as the API tells it: its name and its clock. Until that is here, the page counts on the reader's own clock. */
import { computed, signal } from "@preact/signals";
import { getCity } from "./api";
import type { City } from "./contract";

const RETRY_MS_MAX = 30_000;

const told = signal<City | null>(null);

export const cityName = computed(() => told.value?.name ?? null);
/** The city's time zone; undefined is the reader's own. */
export const zone = computed(() => told.value?.time_zone);

/** Asks until it is told. */
export async function meetCity(): Promise<void> {
  for (let pause_ms = 1000; ; pause_ms = Math.min(pause_ms * 2, RETRY_MS_MAX)) {
    try {
      told.value = await getCity();
      return;
    } catch {
      await new Promise((done) => setTimeout(done, pause_ms));
    }
  }
}

const clock = computed(() => new Intl.DateTimeFormat("en-GB", {
  timeZone: zone.value, hourCycle: "h23", hour: "numeric", minute: "numeric", second: "numeric",
}));

/** The last midnight on the city's clock, wherever the reader sits. */
export function cityMidnight(now: Date): Date {
  const parts = clock.value.formatToParts(now);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
  const seconds = of("hour") * 3600 + of("minute") * 60 + of("second");
  return new Date(Math.floor(now.getTime() / 1000) * 1000 - seconds * 1000);
}
