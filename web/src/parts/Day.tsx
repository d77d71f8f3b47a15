/** A car park's day so far: occupied spaces since the city's midnight, with gaps where nothing was known. */
import "uplot/dist/uPlot.min.css";
import { computed, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { getHistory } from "../api";
import { cityMidnight, zone } from "../city";
import type { Past } from "../contract";
import { fresh } from "../derive";
import { carParks } from "../store";
import { theme } from "../theme";
import { lang, number, t } from "../words";

const REFRESH_MS = 60_000;
const STEPS_MIN = 4; // fewer quarter hours than this say nothing: the single changes do
const HEIGHT_PX = 168;
const SHORT_S = 900;
const TICKS_S = [60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600];

interface Course {
  at_s: number[];
  occupied: (number | null)[];
}

type Told = "loading" | "failed" | Course;
const told = signal<Told>("loading");

/** -1 is the contract's word for "the source was offline": a gap, not a number. */
const known = (value: number | null) => (value === null || value < 0 ? null : value);

function course(past: readonly Past[]): Course {
  const rows = past.map(({ at, occupied }) => [Date.parse(at) / 1000, known(occupied)] as const).sort((a, b) => a[0] - b[0]);
  return { at_s: rows.map(([at]) => at), occupied: rows.map(([, occupied]) => occupied) };
}

async function today(id: string): Promise<Course> {
  const until = new Date();
  const from = cityMidnight(until);
  const steps = course(await getHistory(id, from, until, "PT15M"));
  if (steps.occupied.filter((value) => value !== null).length >= STEPS_MIN) return steps;
  return course(await getHistory(id, from, until, "raw"));
}

/** The course up to this moment: the last point is what is live now. */
function upToNow(id: string, past: Course): Course {
  const heard = carParks.peek().get(id)?.heard.peek().availability ?? null;
  if (!fresh(heard) || !heard.as_of) return past;
  const at = Date.parse(heard.as_of) / 1000;
  if (at <= (past.at_s.at(-1) ?? 0)) return past;
  return { at_s: [...past.at_s, at], occupied: [...past.occupied, heard.occupied] };
}

export function Day({ id, capacity }: { id: string; capacity: number | null }) {
  useEffect(() => {
    told.value = "loading";
    let here = true;
    const ask = () => void today(id).then(
      (past) => here && (told.value = upToNow(id, past)),
      () => here && told.peek() === "loading" && (told.value = "failed"),
    );
    ask();
    const timer = setInterval(ask, REFRESH_MS);
    return () => {
      here = false;
      clearInterval(timer);
    };
  }, [id, zone.value]);
  const now = told.value;
  return (
    <section class="day" aria-labelledby="day-title">
      <h3 id="day-title">{t("day")} <small>{t("occupied")}</small></h3>
      {now === "loading" ? <p class="waiting">{t("day.loading")}</p>
        : now === "failed" ? <p class="quiet">{t("day.failed")}</p>
        : now.occupied.every((value) => value === null) ? <p class="quiet">{t("day.none")}</p>
        : <Chart past={now} capacity={capacity} />}
    </section>
  );
}

function Chart({ past, capacity }: { past: Course; capacity: number | null }) {
  const place = useRef<HTMLDivElement>(null);
  const values = past.occupied.filter((value): value is number => value !== null);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  useEffect(() => {
    const within = place.current!;
    const colour = (name: string) => getComputedStyle(within).getPropertyValue(name).trim();
    const [line, grid, text, limit] = [colour("--accent"), colour("--line"), colour("--quiet"), colour("--full")];
    const midnight_s = cityMidnight(new Date()).getTime() / 1000;
    const short = past.at_s.at(-1)! - past.at_s[0]! < 3600; // less than an hour known: show that hour, not an empty day
    const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { show: false }, font: `12px ${getComputedStyle(within).fontFamily}` };
    const chart = new uPlot({
      width: within.clientWidth,
      height: HEIGHT_PX,
      padding: [8, 18, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      tzDate: (at_s) => cityDate(at_s),
      scales: {
        x: { range: (_, from, until) => (short ? [from, Math.max(until, from + SHORT_S)] : [midnight_s, midnight_s + 86_400]) },
        y: { range: [0, Math.max(1, capacity ?? 0, most) * 1.05] },
      },
      axes: [
        { ...axis, size: 28, incrs: TICKS_S, values: (_, at) => at.map((s) => hour(s)) },
        { ...axis, size: 44, values: (_, at) => at.map((value) => number(value)) },
      ],
      series: [
        {},
        { stroke: line, width: 2, fill: `color-mix(in srgb, ${line} 16%, transparent)`, points: { show: past.at_s.length < 3 } },
        { stroke: limit, width: 1, dash: [4, 4], points: { show: false } },
      ],
    }, [past.at_s, past.occupied, past.at_s.map(() => capacity)], within);
    const wide = new ResizeObserver(() => chart.setSize({ width: within.clientWidth, height: HEIGHT_PX }));
    wide.observe(within);
    return () => {
      wide.disconnect();
      chart.destroy();
    };
  }, [past, capacity, theme.value, lang.value, zone.value]);
  const summary = t("day.summary", { min: least, max: most, last: values.at(-1)! });
  return (
    <>
      <div ref={place} class="chart" role="img" aria-label={summary} data-points={values.length} />
      <p class="quiet">{summary}</p>
    </>
  );
}

const hours = computed(() => new Intl.DateTimeFormat("en-GB", { timeZone: zone.value, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }));
const hour = (at_s: number) => hours.value.format(new Date(at_s * 1000));

function cityDate(at_s: number): Date {
  const at = new Date(at_s * 1000);
  return zone.value ? uPlot.tzDate(at, zone.value) : at;
}
