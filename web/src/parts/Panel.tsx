/** All about one car park, live. On a phone it covers the page, on a wide screen it lies beside the map. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { address, go, travelled } from "../address";
import { getCard } from "../api";
import type { Card, CarParkCard } from "../contract";
import { freeNow, fullness, stateOf } from "../derive";
import { ageSeconds, carParks, feed, type Heard, tick } from "../store";
import { narrow } from "../view";
import { age, change, clock, label, metre, named, number, otherName, t, word } from "../words";
import { Bar } from "./Head";
import { Icon } from "./Icon";
import { lazily } from "./lazily";
import { districtName, stateWord } from "./List";
import { Mark } from "./Mark";
import { openingHours } from "./hours";
import { Quality } from "./Quality";
import { Spaces } from "./Spaces";

const Day = lazily(() => import("./Day").then((part) => part.Day), () => t("day.loading"));

const FIND_ZOOM = 14.5;

/** The whole card: lists carry less. */
const details = signal<CarParkCard | null>(null);

export function Panel({ id }: { id: string }) {
  const heading = useRef<HTMLHeadingElement>(null);
  const carPark = carParks.value.get(id);
  const known = carPark !== undefined;

  useEffect(() => {
    details.value = null;
    let here = true;
    if (known) getCard(id).then((card) => here && (details.value = card), () => undefined); // till then, the list's card
    const escape = (event: KeyboardEvent) => event.key === "Escape" && close();
    addEventListener("keydown", escape);
    return () => {
      here = false;
      removeEventListener("keydown", escape);
    };
  }, [id, known]);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [known]);

  return (
    <aside class="panel" aria-labelledby="panel-title" data-id={id}>
      <button type="button" class="plain close" aria-label={t("panel.close")} onClick={close}><Icon name="close" /></button>
      {carPark ? (
        <About card={details.value?.id === id ? details.value : carPark.card} heard={carPark.heard.value} heading={heading} />
      ) : (
        <h2 id="panel-title" ref={heading} tabIndex={-1}>{t(feed.value === "loading" || feed.value === "failed" ? "list.loading" : "panel.missing")}</h2>
      )}
    </aside>
  );
}

function close(): void {
  const { park } = address.peek();
  go({ park: "" }, "push");
  // Back to where the reader came from; to the list, where the map has moved on and the row is not in it any more.
  const back = `.row[data-id="${CSS.escape(park)}"]`;
  requestAnimationFrame(() => (document.querySelector<HTMLElement>(back) ?? document.getElementById("list"))?.focus({ preventScroll: true }));
}

function find({ id, position: { lat, lon } }: Card): void {
  go({ view: { lat, lon, zoom: FIND_ZOOM }, map: true, park: narrow.peek() ? "" : id }, "push");
  travelled.value++;
}

interface AboutProps {
  card: Card | CarParkCard;
  heard: Heard;
  heading: { current: HTMLHeadingElement | null };
}

function About({ card, heard, heading }: AboutProps) {
  const { availability } = heard;
  const state = stateOf(availability);
  const free = state === "closed" ? null : freeNow(availability);
  const full = fullness(availability);
  const seconds = ageSeconds(heard, tick.value);
  const count = (value: number | null | undefined) => (typeof value === "number" ? number(value) : t("none"));
  const other = otherName(card);
  return (
    <>
      <h2 id="panel-title" ref={heading} tabIndex={-1}>{label(card)}</h2>
      {other && <p class="other-name">{other}</p>}
      <p class="tags">
        {districtName(card) && <span>{districtName(card)}</span>}
        {card.kind && <span>{word("kind", card.kind)}</span>}
        <button type="button" class="link" onClick={() => find(card)}><Icon name="pin" />{t("panel.link")}</button>
      </p>
      <div class={`now ${state}`}>
        <Mark state={state} />
        <p class="now-free"><b data-free="">{count(free)}</b> {t("free")}<small>{t("free.of", { capacity: count(availability?.capacity) })}</small></p>
        <p class="now-state"><span class={`state ${state}`}>{t(stateWord(heard))}</span><span class="age">{age(seconds)}</span></p>
        {full !== null && <Bar share={full} />}
      </div>
      {state === "closed" && card.closed_reason && <p class="trouble">{card.closed_reason}</p>}
      {availability?.stale && <p class="trouble">{t("panel.stale")}</p>}
      {!availability?.as_of && <p class="trouble">{t("panel.never")}</p>}
      <dl class="facts">
        {availability?.stale && <Fact word={t("free")} value={t("free.last", { n: count(availability.free) })} />}
        <Fact word={t("occupied")} value={count(availability?.occupied)} />
        <Fact word={t("promised")} value={count(availability?.promised)} />
        {(availability?.out_of_service ?? 0) > 0 && <Fact word={t("out")} value={count(availability?.out_of_service)} />}
        <Fact word={t("trend")} value={trend(availability?.trend)} />
        <Fact word={t("source")} value={availability?.source ? t(`source.${availability.source}`) : t("none")} />
        <Fact word={t("age")} value={availability?.as_of ? `${clock(new Date(availability.as_of))} · ${age(seconds)}` : t("age.never")} />
      </dl>
      <Day id={card.id} capacity={availability?.capacity ?? null} />
      <Spaces id={card.id} />
      <Quality card={card} />
      <dl class="facts">
        {card.address && <Fact word={t("address")} value={card.address} />}
        <Fact word={t("hours")} value={card.opening_hours ? openingHours(card.opening_hours) : t("hours.unknown")} />
        <Fact word={t("height")} value={card.height_cm ? t("height.m", { m: metre(card.height_cm / 100) }) : t("height.none")} />
        {named(card.tariff_summary) && <Fact word={t("tariff")} value={named(card.tariff_summary)} />}
        {card.features?.length > 0 && <Fact word={t("features")} value={card.features.map((slug) => word("feature", slug)).join(" · ")} />}
        {typeof card.online === "boolean" && <Fact word={t("online")} value={t(card.online ? "online.yes" : "online.no")} />}
        <Fact word={t("operator")} value={card.operator} />
        <Fact word={t("id")} value={card.id} />
      </dl>
    </>
  );
}

function Fact({ word: name, value }: { word: string; value: string }) {
  return <div><dt>{name}</dt><dd>{value}</dd></div>;
}

function trend(value: number | null | undefined): string {
  if (value === null || value === undefined) return t("none");
  return value === 0 ? t("trend.flat") : t("trend.n", { n: change(value) });
}
