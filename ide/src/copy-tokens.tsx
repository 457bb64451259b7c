import { useState } from "react";
import { type Name, useLatestValue } from "./latest-values.ts";

/** Copies the tokens of the latest sign-in or refresh, whole. */
export function CopyTokens() {
  const [said, say] = useState("");
  return (
    <div className="copy-tokens">
      <CopyButton name="token" label="Copy access token" say={say} />
      <CopyButton name="refreshToken" label="Copy refresh token" say={say} />
      <span role="status">{said}</span>
    </div>
  );
}

function CopyButton({ name, label, say }: { name: Name; label: string; say(text: string): void }) {
  const value = useLatestValue(name);
  const copy = async () => {
    say((await copied(value ?? "")) ? "Copied." : "The browser did not let the page copy it.");
  };
  return (
    <button
      type="button"
      className="graphiql-un-styled"
      disabled={value === undefined}
      title={value === undefined ? "Register or log in first." : undefined}
      onClick={() => void copy()}
    >
      {label}
    </button>
  );
}

async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedBySelection(text);
  }
}

/** Over http, browsers have no clipboard for scripts, but copy what is selected. */
function copiedBySelection(text: string): boolean {
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
