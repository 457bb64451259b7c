import { EXAMPLES } from "./examples.ts";
import { withoutSecrets, withoutTexts } from "./redaction.ts";

const TABS = "graphiql:tabState";
const THEME = "graphiql:theme";

interface Tab {
  query: string | null;
  variables: string | null;
}

interface TabState {
  activeTabIndex: number;
  tabs: Tab[];
}

/**
 * What GraphiQL stores. Tabs and the theme survive a reload; tokens, passwords, headers and answers do not, and all
 * else ends with the page.
 */
export class TabStorage implements Storage {
  readonly #items = new Map<string, string>();

  constructor() {
    for (const key of [TABS, THEME]) {
      const value = onDisk((storage) => storage.getItem(key));
      if (value != null) this.#items.set(key, value);
    }
  }

  /** The tab that was open at the reload. */
  get activeTab(): Tab | undefined {
    try {
      const { tabs, activeTabIndex } = JSON.parse(this.getItem(TABS) ?? "") as TabState;
      return tabs[activeTabIndex];
    } catch {
      return undefined;
    }
  }

  get length(): number {
    return this.#items.size;
  }

  key(index: number): string | null {
    return [...this.#items.keys()][index] ?? null;
  }

  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#items.set(key, value);
    if (key === TABS) onDisk((storage) => storage.setItem(TABS, withoutSecretsOfTabs(value)));
    if (key === THEME) onDisk((storage) => storage.setItem(THEME, value));
  }

  removeItem(key: string): void {
    this.#items.delete(key);
    onDisk((storage) => storage.removeItem(key));
  }

  clear(): void {
    for (const key of this.#items.keys()) this.removeItem(key);
  }
}

/** Browsers can refuse to store anything; the page then works without. */
function onDisk<Result>(use: (storage: Storage) => Result): Result | undefined {
  try {
    return use(localStorage);
  } catch {
    return undefined;
  }
}

function withoutSecretsOfTabs(state: string): string {
  const { tabs, ...rest } = JSON.parse(state) as TabState;
  return JSON.stringify({ ...rest, tabs: tabs.map(withoutSecretsOfTab) });
}

/** The examples are no secret, so their variables stay whole. */
function withoutSecretsOfTab(tab: Tab): object {
  const variables = EXAMPLES.some((example) => example.variables === tab.variables)
    ? tab.variables
    : withoutTexts(tab.variables ?? "");
  return { ...tab, query: withoutSecrets(tab.query ?? ""), variables, headers: null, response: null };
}
