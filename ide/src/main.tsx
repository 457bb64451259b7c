import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import { EXAMPLES, SIGNED_IN_HEADERS } from "./examples.ts";
import { fetcher } from "./fetcher.ts";
import { LongLines } from "./long-lines.ts";
import { MemoryStorage } from "./memory-storage.ts";
import "./page.css";

const root = document.getElementById("root");
if (!root) throw new Error("The page has no #root element.");

createRoot(root).render(
  <GraphiQL
    fetcher={fetcher}
    storage={new MemoryStorage()}
    shouldPersistHeaders={false}
    plugins={[]}
    defaultTabs={EXAMPLES}
    initialVariables={EXAMPLES[0].variables ?? ""}
    initialHeaders={EXAMPLES[0].headers ?? ""}
    defaultHeaders={SIGNED_IN_HEADERS}
    defaultQuery=""
    defaultEditorToolsVisibility="variables"
  >
    <GraphiQL.Logo>
      <span className="gatehouse">Gatehouse</span>
    </GraphiQL.Logo>
    <LongLines />
  </GraphiQL>,
);
