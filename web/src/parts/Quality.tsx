/** How far a car park's data is to be trusted, and what lowers it: dearest first. */
import type { Card, CarParkCard } from "../contract";
import { decimal, named, number, t } from "../words";
import { Bar } from "./Head";

export function Quality({ card }: { card: Card | CarParkCard }) {
  const { quality } = card;
  if (quality === null) return null;
  const reasons = "quality_reasons" in card ? card.quality_reasons : null; // the list's card is there first
  return (
    <section class="quality" aria-labelledby="quality-title" data-quality={quality}>
      <h3 id="quality-title">{t("quality")} <b>{t("quality.of", { score: number(quality) })}</b></h3>
      <Bar share={quality / 100} />
      {reasons?.length === 0 && <p class="quiet">{t("quality.best")}</p>}
      {reasons && reasons.length > 0 && (
        <ul>
          {reasons.map(({ code, points, text }) => (
            <li key={code} data-code={code}><span>{named(text)}</span><b>{t("quality.less", { points: decimal(points) })}</b></li>
          ))}
        </ul>
      )}
    </section>
  );
}
