import { foldCase } from "./case-folding.ts";

/**
 * The form in which usernames are unique: names that differ in case or compatibility form only have one key (Unicode,
 * 3.13, definition 146). The SQL function `gatehouse_username_key` of the migrations gives the same.
 */
export function usernameKey(username: string): string {
  const folded = foldCase(username.normalize("NFD")).normalize("NFKC");
  return foldCase(folded).normalize("NFKC");
}
