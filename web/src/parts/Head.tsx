import { computed } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { cityName } from "../city";
import { ageSeconds, carParks, feed, tick, beat } from "../store";
import { choice, nextTheme } from "../theme";
import { cityFigures, say } from "../view";
import { age, type Key, lang, named, number, percent, switchLanguage, t } from "../words";
import { Icon } from "./Icon";

/** Age of the newest data of all, in seconds. */
const newest = computed(() => {
  void beat.value;
  let youngest: number | null = null;
  for (const { heard } of carParks.value.values()) {
    const seconds = ageSeconds(heard.peek(), tick.value);
    if (seconds !== null && (youngest === null || seconds < youngest)) youngest = seconds;
  }
  return youngest;
});

export function Newest() {
  return <span class="newest">{t("feed.newest", { age: age(newest.value) })}</span>;
}

export function FeedState() {
  return <span class={`feed ${feed.value}`}><i aria-hidden="true" />{t(`feed.${feed.value}`)}</span>;
}

export function Head() {
  useEffect(() => feed.subscribe((now) => {
    if (now === "polling" || now === "lost") say(t(`feed.${now}.why`));
  }), []);
  return (
    <header class="head">
      <div class="brand">
        <img src="/favicon.svg" alt="" width="28" height="28" />
        <h1>{t("title")} <small>{named(cityName.value)}</small></h1>
        <button type="button" class="plain" onClick={nextTheme}
          aria-label={t("theme.label", { now: t(`theme.${choice.value}`) })} title={t(`theme.${choice.value}`)}>
          <Icon name={choice.value} />
        </button>
        <button type="button" class="plain language" lang={lang.value === "zh" ? "en" : "zh-CN"} onClick={() => void switchLanguage()}>
          {t("language")}
        </button>
      </div>
      <Figures />
      <p class="heard"><FeedState /><Newest /></p>
      <Trouble />
    </header>
  );
}

export function Figures() {
  const { free, index, live, stale, never, total } = cityFigures.value;
  const rest = [stale ? t("figure.stale", { n: stale }) : "", never ? t("figure.never", { n: never }) : ""].filter(Boolean);
  return (
    <dl class="figures">
      <Figure word="figure.free" value={free === null ? t("none") : number(free)} />
      <Figure word="figure.index" value={index === null ? t("none") : percent(index)} why={t("figure.index.why")} meter={index} />
      <Figure word="figure.live" value={total ? number(live) : t("none")} of={total ? t("figure.live.of", { total }) : ""}
        note={rest.length ? rest.join(" · ") : total ? t("figure.allLive") : ""} />
    </dl>
  );
}

interface FigureProps {
  word: Key;
  value: string;
  of?: string;
  note?: string;
  why?: string;
  meter?: number | null;
}

function Figure({ word, value, of, note, why, meter }: FigureProps) {
  return (
    <div class="figure" title={why} data-figure={word.slice("figure.".length)}>
      <dt>{t(word)}</dt>
      <dd>
        <b>{value}</b>{of && <span> {of}</span>}
        {note && <small>{note}</small>}
        {typeof meter === "number" && <Bar share={meter} />}
      </dd>
    </div>
  );
}

/** A thin bar of a share between nothing and everything. */
export function Bar({ share }: { share: number }) {
  return (
    <svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="ground" width="100" height="4" />
      <rect class="filled" width={Math.min(100, Math.max(0, share * 100))} height="4" />
    </svg>
  );
}

function Trouble() {
  if (feed.value !== "polling" && feed.value !== "lost") return null;
  return <p class={`trouble ${feed.value}`}>{t(`feed.${feed.value}.why`)}</p>;
}
