/** Facts of the city that the page needs before it can ask. */

export const CITY_ZONE = "Asia/Shanghai";

/** The last midnight on the city's clock, wherever the reader sits. */
export function cityMidnight(now: Date): Date {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: CITY_ZONE, hourCycle: "h23", hour: "numeric", minute: "numeric", second: "numeric",
  }).formatToParts(now);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value ?? 0);
  const seconds = of("hour") * 3600 + of("minute") * 60 + of("second");
  return new Date(Math.floor(now.getTime() / 1000) * 1000 - seconds * 1000);
}
