import { go } from "../address";
import { fullnessShown, stateOf } from "../derive";
import { hovered, narrow, topTen } from "../view";
import { label, percent, t } from "../words";
import { Mark } from "./Mark";

export function TopTen() {
  return (
    <details class="top" open={!narrow.value}>
      <summary>{t("top")}</summary>
      {topTen.value.length === 0 ? <p>{t("top.none")}</p> : (
        <ol>
          {topTen.value.map(({ card, availability }) => (
            <li key={card.id}>
              <button type="button" onClick={() => go({ park: card.id }, "push")}
                onMouseEnter={() => (hovered.value = card.id)} onMouseLeave={() => (hovered.value = "")}>
                <Mark state={stateOf(availability)} />
                <span>{label(card)}</span>
                <b>{percent(fullnessShown(availability))}</b>
              </button>
            </li>
          ))}
        </ol>
      )}
    </details>
  );
}
