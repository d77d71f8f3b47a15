import { useEffect } from "preact/hooks";
import { address, go } from "../address";
import { type Sort, SORTS } from "../derive";
import { districts } from "../store";
import { kinds, listed, say } from "../view";
import { named, t, word } from "../words";
import { Icon } from "./Icon";

const LEAST_FREE = [1, 10, 50, 100];

export const filtered = () => {
  const { q, district, kind, minFree, known } = address.value;
  return Boolean(q || district || kind || minFree || known);
};

export const unfilter = () => go({ q: "", district: "", kind: "", minFree: 0, known: false }, "push");

/** Search and filters: they change the address, and the address changes what is shown. */
export function Seek() {
  const { q, district, kind, minFree, known } = address.value;
  useEffect(() => {
    if (filtered()) say(t("list.count", { n: listed.peek().length }));
  }, [q, district, kind, minFree, known]);
  const least = LEAST_FREE.includes(minFree) || !minFree ? LEAST_FREE : [...LEAST_FREE, minFree].sort((a, b) => a - b);
  return (
    <form class="seek" role="search" onSubmit={(event) => event.preventDefault()}>
      <div class="search">
        <Icon name="search" />
        <input type="search" name="q" value={q} placeholder={t("search.hint")} aria-label={t("search")} autocomplete="off"
          maxLength={64} enterkeyhint="search" onInput={(event) => go({ q: event.currentTarget.value })} />
        {q && <button type="button" class="plain" aria-label={t("search.clear")} onClick={() => go({ q: "" })}><Icon name="close" /></button>}
      </div>
      <div class="filters" role="group" aria-label={t("filter")}>
        <select name="district" aria-label={t("filter.district")} data-set={district !== ""} value={district}
          onChange={(event) => go({ district: event.currentTarget.value, view: null }, "push")}>
          <option value="">{t("filter.district.all")}</option>
          {districts.value.map(({ properties: { id, name } }) => <option key={id} value={id}>{named(name)}</option>)}
        </select>
        <select name="kind" aria-label={t("filter.kind")} data-set={kind !== ""} value={kind}
          onChange={(event) => go({ kind: event.currentTarget.value }, "push")}>
          <option value="">{t("filter.kind.all")}</option>
          {kinds.value.map((slug) => <option key={slug} value={slug}>{word("kind", slug)}</option>)}
        </select>
        <select name="min_free" aria-label={t("filter.minFree")} data-set={minFree > 0} value={String(minFree)}
          onChange={(event) => go({ minFree: Number(event.currentTarget.value) }, "push")}>
          <option value="0">{t("filter.minFree.any")}</option>
          {least.map((n) => <option key={n} value={String(n)}>{t("filter.minFree.n", { n })}</option>)}
        </select>
        <label class="check" data-set={known}>
          <input type="checkbox" name="known" checked={known} onChange={(event) => go({ known: event.currentTarget.checked }, "push")} />
          {t("filter.known")}
        </label>
        {filtered() && <button type="button" class="link" onClick={unfilter}>{t("filter.clear")}</button>}
      </div>
    </form>
  );
}

export function Sorting() {
  return (
    <select class="sorting" name="sort" aria-label={t("sort")} value={address.value.sort}
      onChange={(event) => go({ sort: event.currentTarget.value as Sort }, "push")}>
      {SORTS.map((sort) => <option key={sort} value={sort}>{t(`sort.${sort}`)}</option>)}
    </select>
  );
}

