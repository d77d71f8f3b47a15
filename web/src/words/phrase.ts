/** The small part of ICU message format the pages need: `{name}` and `{n, plural, one {# day} other {# days}}`. */

const PLURAL = /\{(\w+), plural, ((?:\w+ \{[^{}]*\} ?)+)\}/g;
const FORM = /(\w+) \{([^{}]*)\}/g;

export function phrase(
  text: string,
  values: Record<string, string | number>,
  tag: string,
  number: (value: number) => string,
): string {
  const shown = (name: string): string => {
    const value = values[name];
    return value === undefined ? "" : typeof value === "number" ? number(value) : value;
  };
  return text
    .replace(PLURAL, (_, name: string, body: string) => {
      const wanted = new Intl.PluralRules(tag).select(Number(values[name]));
      const forms = new Map([...body.matchAll(FORM)].map(([, form, words]) => [form!, words!]));
      return (forms.get(wanted) ?? forms.get("other") ?? "").replaceAll("#", shown(name));
    })
    .replace(/\{(\w+)\}/g, (_, name: string) => shown(name));
}
