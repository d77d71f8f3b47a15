/** Opening hours (OSM syntax) in words, where they are simple; anything else is shown as it stands. */
import { lang, t } from "../words";

const DAYS = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su", "PH"];
const SPOKEN = {
  zh: ["周一", "周二", "周三", "周四", "周五", "周六", "周日", "节假日"],
  en: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "holidays"],
};

export function openingHours(osm: string): string {
  if (/^(24\/7|Mo-Su 00:00-24:00|00:00-24:00)$/.test(osm.trim())) return t("hours.always");
  const spoken = SPOKEN[lang.value];
  return osm
    .replace(/\b(Mo|Tu|We|Th|Fr|Sa|Su|PH)\b/g, (day) => spoken[DAYS.indexOf(day)] ?? day)
    .replace(/\boff\b/g, () => t("state.closed"))
    .replace(/(\d\d:\d\d)-(\d\d:\d\d)/g, "$1–$2")
    .replace(/([^\d\s])-([^\d\s])/g, "$1–$2")
    .replace(/;\s*/g, " · ");
}
