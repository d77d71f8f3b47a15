import { signal } from "@preact/signals";
import { address, go } from "../address";
import type { Card } from "../contract";
import { freeNow, fullness, stateOf } from "../derive";
import { ageSeconds, carParks, type CarPark, districtNames, feed, type Heard, tick } from "../store";
import { all, bounds, held, hovered, limits, listed } from "../view";
import { age, type Key, label, named, number, t } from "../words";
import { Bar } from "./Head";
import { Mark } from "./Mark";
import { filtered, Sorting, unfilter } from "./Seek";

const ROWS = 100; // enough to scroll through; more on request, so that a phone stays quick
const rows = signal(ROWS);

export function List() {
  const list = listed.value;
  const shown = list.slice(0, rows.value);
  return (
    <section class="list" aria-labelledby="list-title">
      <div class="list-head">
        <h2 id="list-title"><span class="unseen">{t("list")}: </span>{t("list.count", { n: list.length })}</h2>
        {limits.value && (
          <span class="in-view">{t("list.inView")} <button type="button" class="link" onClick={() => (bounds.value = null)}>{t("list.everywhere")}</button></span>
        )}
        <Sorting />
      </div>
      <ul id="list" tabIndex={-1} data-count={list.length}
        onMouseEnter={() => (held.value = true)} onMouseLeave={() => { held.value = false; hovered.value = ""; }}
        onFocusCapture={() => (held.value = true)} onBlurCapture={() => { held.value = false; hovered.value = ""; }}>
        {shown.map(({ card }) => <Row key={card.id} id={card.id} />)}
        {list.length > shown.length && (
          <li key="">
            <button type="button" class="more" onClick={() => (rows.value += ROWS)}>
              {t("list.more", { n: Math.min(ROWS, list.length - shown.length) })}
            </button>
          </li>
        )}
      </ul>
      {list.length === 0 && <Nothing />}
    </section>
  );
}

function Nothing() {
  if (feed.value === "loading") return <p class="nothing">{t("list.loading")}</p>;
  if (feed.value === "failed") return <p class="nothing" role="alert"><b>{t("list.failed")}</b>{t("list.failed.why")}</p>;
  if (all.value.length === 0) return <p class="nothing"><b>{t("list.empty")}</b>{t("list.empty.why")}</p>;
  return (
    <p class="nothing">
      <b>{t(limits.value ? "list.none.view" : "list.none")}</b>
      {limits.value && <button type="button" class="link" onClick={() => (bounds.value = null)}>{t("list.everywhere")}</button>}
      {filtered() && <button type="button" class="link" onClick={unfilter}>{t("filter.clear")}</button>}
    </p>
  );
}

/** The word for the state; stale and never heard of are told apart. */
export function stateWord(heard: Heard): Key {
  const state = stateOf(heard.availability);
  if (state !== "unknown") return `state.${state}`;
  if (!heard.availability?.as_of) return "state.never";
  return heard.availability.stale ? "state.stale" : "state.unknown";
}

export const districtName = (card: Card) => named(districtNames.value.get(card.district ?? "")) || (card.district ?? "");

function Age({ heard }: { heard: Heard }) {
  const seconds = ageSeconds(heard, tick.value);
  return seconds === null ? null : <span class="age">{age(seconds)}</span>;
}

function Row({ id }: { id: string }) {
  const carPark = carParks.value.get(id);
  return carPark ? <Known carPark={carPark} /> : null;
}

function Known({ carPark: { card, heard: { value: heard } } }: { carPark: CarPark }) {
  const { availability } = heard;
  const state = stateOf(availability);
  const free = state === "closed" ? null : freeNow(availability);
  const full = fullness(availability);
  const current = address.value.park === card.id;
  return (
    <li>
      <button type="button" class="row" aria-current={current ? "true" : undefined} data-id={card.id} data-state={state}
        data-lit={hovered.value === card.id} onClick={() => go({ park: card.id }, "push")}
        onMouseEnter={() => (hovered.value = card.id)} onFocus={() => (hovered.value = card.id)}>
        <Mark state={state} />
        <span class="name">{label(card)}</span>
        <span class="free"><b>{free === null ? t("none") : number(free)}</b><span class="unseen"> {t("free")}</span></span>
        <span class="about"><span class={`state ${state}`}>{t(stateWord(heard))}</span><span class="where">{districtName(card)}</span><Age heard={heard} /></span>
        <span class="of">{t("free.of", { capacity: availability?.capacity ?? t("none") })}</span>
        {full !== null && <Bar share={full} />}
      </button>
    </li>
  );
}
