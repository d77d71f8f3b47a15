import { STATES } from "../contract";
import { t } from "../words";
import { Mark } from "./Mark";

export function Legend() {
  return (
    <section class="legend" aria-label={t("legend")}>
      <ul>
        {STATES.map((state) => <li key={state}><Mark state={state} />{t(`state.${state}`)}</li>)}
      </ul>
      <p><span>{t("legend.index")}</span><span class="ramp"><i>30%</i><i class="scale" /><i>95%</i></span></p>
    </section>
  );
}
