import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import { CopyTokens } from "./copy-tokens.tsx";
import { EXAMPLES, SIGNED_IN_HEADERS } from "./examples.ts";
import { fetcher } from "./fetcher.ts";
import { EditorOptions } from "./editor-options.ts";
import { TabStorage } from "./tab-storage.ts";
import "./page.css";

const root = document.getElementById("root");
if (!root) throw new Error("The page has no #root element.");

const storage = new TabStorage();
const openTab = storage.activeTab;

createRoot(root).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    shouldPersistHeaders={false}
    plugins={[]}
    defaultTabs={EXAMPLES}
    initialQuery={(openTab ?? EXAMPLES[0]).query ?? ""}
    initialVariables={(openTab ?? EXAMPLES[0]).variables ?? ""}
    initialHeaders={openTab ? SIGNED_IN_HEADERS : (EXAMPLES[0].headers ?? "")}
    defaultHeaders={SIGNED_IN_HEADERS}
    defaultQuery=""
    defaultEditorToolsVisibility="variables"
  >
    <GraphiQL.Logo>
      <span className="gatehouse">Gatehouse</span>
    </GraphiQL.Logo>
    <GraphiQL.Footer>
      <CopyTokens />
    </GraphiQL.Footer>
    <EditorOptions />
  </GraphiQL>,
);
