/** The wall: the whole city without a control, dark and large, going round its districts by itself. */
import { computed } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { cityName } from "../city";
import { fullest, fullnessShown, stateOf } from "../derive";
import { CityMap } from "../map/CityMap";
import { districts, tick } from "../store";
import { all, districtFigures, spotlight } from "../view";
import { clock, date, label, named, number, percent, t } from "../words";
import { FeedState, Figures, Newest, Bar } from "./Head";
import { Legend } from "./Legend";
import { Mark } from "./Mark";

const TURN_MS = 8000;

/** The districts that have car parks, the fullest first. */
const rows = computed(() => districts.value
  .map(({ properties: { id, name } }) => ({ id, name, figures: districtFigures.value.get(id) }))
  .flatMap(({ id, name, figures }) => (figures ? [{ id, name, figures }] : []))
  .sort((a, b) => (b.figures.index ?? -1) - (a.figures.index ?? -1)));

/** The one after the lit one in the districts' own order, so that a changing rank leaves none out; then the city. */
function turn(): void {
  const ids = districts.peek().map(({ properties: { id } }) => id).filter((id) => districtFigures.peek().has(id));
  spotlight.value = ids[ids.indexOf(spotlight.peek()) + 1] ?? "";
}

export function Kiosk() {
  useEffect(() => {
    const timer = setInterval(turn, TURN_MS);
    return () => clearInterval(timer);
  }, []);
  void tick.value;
  const now = new Date();
  return (
    <main class="kiosk">
      <header>
        <h1>{t("title")} <small>{named(cityName.value)}</small></h1>
        <Figures />
        <p class="wall-clock"><b>{clock(now)}</b><span>{date(now)}</span><FeedState /><Newest /></p>
      </header>
      <div class="stage">
        <CityMap kiosk />
        <Legend />
      </div>
      <Districts />
      <Fullest />
    </main>
  );
}

function Districts() {
  return (
    <section class="wall-districts">
      <h2>{t("districts")}</h2>
      <ol>
        {rows.value.map(({ id, name, figures: { index, free } }) => (
          <li key={id} data-lit={id === spotlight.value}>
            <span>{named(name)}</span>
            <Bar share={index ?? 0} />
            <b>{index === null ? t("none") : percent(index)}</b>
            <small>{free === null ? t("none") : t("free.n", { n: number(free) })}</small>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** The ten fullest of the lit district, or of the city. */
function Fullest() {
  const district = spotlight.value;
  const among = district ? all.value.filter(({ card }) => card.district === district) : all.value;
  const where = rows.value.find(({ id }) => id === district);
  return (
    <section class="wall-top">
      <h2>{t("top")} <small>{where ? named(where.name) : t("map.whole")}</small></h2>
      <ol>
        {fullest(among, 10).map(({ card, availability }) => (
          <li key={card.id}><Mark state={stateOf(availability)} /><span>{label(card)}</span><b>{percent(fullnessShown(availability))}</b></li>
        ))}
      </ol>
    </section>
  );
}
