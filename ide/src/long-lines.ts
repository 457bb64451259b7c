import { useMonaco } from "@graphiql/react";
import { useEffect } from "react";

/** Wraps long lines in every editor, since tokens are longer than any pane is wide. */
export function LongLines(): null {
  const editors = useMonaco((state) => state.monaco?.editor);
  useEffect(() => {
    const wrap = (editor: { updateOptions(options: { wordWrap: "on" }): void }) =>
      editor.updateOptions({ wordWrap: "on" });
    editors?.getEditors().forEach(wrap);
    const subscription = editors?.onDidCreateEditor(wrap);
    return () => subscription?.dispose();
  }, [editors]);
  return null;
}
