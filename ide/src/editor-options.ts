import { useMonaco } from "@graphiql/react";
import { useEffect } from "react";

const OPTIONS = {
  // Tokens are longer than any pane is wide.
  wordWrap: "on",
  // The default without the dot and the dash, so that a double click selects a whole token.
  wordSeparators: "`~!@#$%^&*()=+[{]}\\|;:'\",<>/?",
} as const;

/** Sets what GraphiQL has no property for, in every editor. */
export function EditorOptions(): null {
  const editors = useMonaco((state) => state.monaco?.editor);
  useEffect(() => {
    const adapt = (editor: { updateOptions(options: typeof OPTIONS): void }) => editor.updateOptions(OPTIONS);
    editors?.getEditors().forEach(adapt);
    const subscription = editors?.onDidCreateEditor(adapt);
    return () => subscription?.dispose();
  }, [editors]);
  return null;
}
