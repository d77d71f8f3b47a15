/** The spaces of a car park, counted by zone and state. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { getSpaces, Refused } from "../api";
import type { Space, SpaceState } from "../contract";
import { number, t } from "../words";

const REFRESH_MS = 30_000;
const ORDER: readonly SpaceState[] = ["occupied", "free", "unknown", "out_of_service"];

interface Zone {
  zone: string;
  total: number;
  count: Record<SpaceState, number>;
}

/** Counts by zone; a space whose data is stale is unknown, whatever it said last. */
function zones(spaces: readonly Space[]): Zone[] {
  const found = new Map<string, Zone>();
  for (const { zone, state, stale } of spaces) {
    const name = zone ?? "";
    const at = found.get(name) ?? { zone: name, total: 0, count: { free: 0, occupied: 0, unknown: 0, out_of_service: 0 } };
    at.total++;
    at.count[stale && state !== "out_of_service" ? "unknown" : state]++;
    found.set(name, at);
  }
  return [...found.values()].sort((a, b) => a.zone.localeCompare(b.zone, "en", { numeric: true }));
}

type Told = "loading" | "failed" | readonly Zone[];
const told = signal<Told>("loading");

export function Spaces({ id }: { id: string }) {
  useEffect(() => {
    told.value = "loading";
    let here = true;
    const ask = () => void getSpaces(id).then(
      (spaces) => here && (told.value = zones(spaces)),
      (problem: unknown) => {
        if (here && told.peek() === "loading") told.value = problem instanceof Refused && problem.status === 404 ? [] : "failed";
      },
    );
    ask();
    const timer = setInterval(ask, REFRESH_MS);
    return () => {
      here = false;
      clearInterval(timer);
    };
  }, [id]);

  const now = told.value;
  if (now === "loading") return null;
  if (now === "failed") return <p class="quiet">{t("spaces.failed")}</p>;
  if (now.length === 0) return <p class="quiet">{t("spaces.none")}</p>;
  const shown = ORDER.filter((state) => now.some(({ count }) => count[state] > 0));
  return (
    <section class="spaces" aria-labelledby="spaces-title">
      <h3 id="spaces-title">{t("spaces")}</h3>
      <ul class="keys">{shown.map((state) => <li key={state} class={state}><i aria-hidden="true" />{t(`space.${state}`)}</li>)}</ul>
      <ul class="zones">
        {now.map(({ zone, total, count }) => (
          <li key={zone}>
            <span>{zone || t("spaces.zone.none")}</span>
            <svg viewBox={`0 0 ${total} 1`} preserveAspectRatio="none" aria-hidden="true">
              {ORDER.map((state, at) => (
                <rect key={state} class={state} x={ORDER.slice(0, at).reduce((sum, before) => sum + count[before], 0)} width={count[state]} height="1" />
              ))}
            </svg>
            <span class="counts">{shown.map((state) => <b key={state} class={state}><span class="unseen">{t(`space.${state}`)} </span>{number(count[state])}</b>)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
