/** Light or dark: the address, then what was chosen before, then the system. The wall is always dark. */
import { computed, signal } from "@preact/signals";
import { address, go } from "./address";
import { remember, remembered } from "./memory";

export type Theme = "light" | "dark";
export type Choice = Theme | "system";

const CHOICES: readonly Choice[] = ["system", "light", "dark"];
const known = (text: string | null): Choice | undefined => CHOICES.find((choice) => choice === text);

const system = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(system.matches);
system.addEventListener("change", () => (systemDark.value = system.matches));

export const choice = signal<Choice>(known(address.peek().theme) ?? known(remembered("theme")) ?? "system");

export const theme = computed<Theme>(() => {
  if (address.value.kiosk) return "dark";
  if (choice.value !== "system") return choice.value;
  return systemDark.value ? "dark" : "light";
});

theme.subscribe((now) => (document.documentElement.dataset["theme"] = now));

export function nextTheme(): void {
  const next = CHOICES[(CHOICES.indexOf(choice.peek()) + 1) % CHOICES.length]!;
  choice.value = next;
  remember("theme", next);
  go({ theme: next === "system" ? "" : next });
}
