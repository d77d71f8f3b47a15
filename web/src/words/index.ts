/** Words, numbers and times in the reader's language, whose words alone are fetched. */
import { computed, signal } from "@preact/signals";
import { address, go } from "../address";
import { zone } from "../city";
import type { Card, Name } from "../contract";
import { remembered, remember } from "../memory";
import { phrase } from "./phrase";
import type { zh } from "./zh";

export type Words = Record<keyof typeof zh, string>;
export type Key = keyof Words;
export type Lang = "zh" | "en";

const TAGS = { zh: "zh-CN", en: "en" } as const;
const asked = (text: string | null): Lang | null =>
  text?.startsWith("en") ? "en" : text?.startsWith("zh") ? "zh" : null;

export const lang = signal<Lang>("zh");
const words = signal<Words>({} as Words); // filled before anything is drawn
const tag = computed(() => TAGS[lang.value]);
const whole = computed(() => new Intl.NumberFormat(tag.value, { maximumFractionDigits: 0 }));
const signed = computed(() => new Intl.NumberFormat(tag.value, { maximumFractionDigits: 0, signDisplay: "exceptZero" }));
const share = computed(() => new Intl.NumberFormat(tag.value, { style: "percent", maximumFractionDigits: 0 }));
const tenths = computed(() => new Intl.NumberFormat(tag.value, { maximumFractionDigits: 1 }));
const metres = computed(() => new Intl.NumberFormat(tag.value, { minimumFractionDigits: 1, maximumFractionDigits: 2 }));
const moment = computed(() => new Intl.DateTimeFormat(tag.value, { timeZone: zone.value, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }));
const day = computed(() => new Intl.DateTimeFormat(tag.value, { timeZone: zone.value, month: "short", day: "numeric", weekday: "short" }));
export const collator = computed(() => new Intl.Collator(tag.value, { numeric: true }));

async function speak(to: Lang): Promise<void> {
  const found = to === "zh" ? (await import("./zh")).zh : (await import("./en")).en;
  words.value = found;
  lang.value = to;
  document.documentElement.lang = TAGS[to];
  document.title = `${found["title"]} · Berth`;
}

/** The address says, then what the reader chose before, then Chinese. A language asked for by address is remembered. */
export function chooseLanguage(): Promise<void> {
  const byAddress = asked(address.peek().lang);
  if (byAddress) remember("lang", byAddress);
  return speak(byAddress ?? asked(remembered("lang")) ?? "zh");
}

export async function switchLanguage(): Promise<void> {
  const to = lang.peek() === "zh" ? "en" : "zh";
  remember("lang", to);
  go({ lang: to });
  await speak(to);
}

export function t(key: Key, values: Record<string, string | number> = {}): string {
  return phrase(words.value[key], values, tag.value, number);
}

/** A word of an open list (kinds, features): what is not translated is shown as it came. */
export function word(list: "kind" | "feature", slug: string): string {
  const key = `${list}.${slug}`;
  return key in words.value ? words.value[key as Key] : slug;
}

export const number = (value: number) => whole.value.format(value);
export const change = (value: number) => signed.value.format(value);
export const percent = (value: number) => share.value.format(value);
export const decimal = (value: number) => tenths.value.format(value);
export const metre = (value: number) => metres.value.format(value);
export const clock = (value: Date) => moment.value.format(value);
export const date = (value: Date) => day.value.format(value);

export function named(name: Name | string | null | undefined): string {
  if (!name || typeof name === "string") return name ?? "";
  return (lang.value === "zh" ? name.zh || name.en : name.en || name.zh) ?? "";
}

export const label = (card: Card) => named(card.name) || card.id;

/** The name in the other language, when it has one. */
export function otherName(card: Card): string {
  const other = (lang.value === "zh" ? card.name.en : card.name.zh) ?? "";
  return other === label(card) ? "" : other;
}

export function age(seconds: number | null): string {
  if (seconds === null) return t("age.never");
  if (seconds < 1) return t("age.now");
  if (seconds < 60) return t("age.s", { n: seconds });
  if (seconds < 3600) return t("age.min", { n: Math.floor(seconds / 60) });
  if (seconds < 172_800) return t("age.h", { n: Math.floor(seconds / 3600) });
  return t("age.d", { n: Math.floor(seconds / 86_400) });
}
