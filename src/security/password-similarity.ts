/**
 * Whether a password is made of a name: it is a part of the name, or the name makes up half of it or more; without
 * regard to case and Unicode form.
 */
export function isMadeOf(password: string, name: string): boolean {
  const [whole, part] = [password, name].map((text) => text.normalize("NFKC").toLowerCase()) as [
    string,
    string,
  ];
  if (part === "") return false;
  const times = whole.split(part).length - 1;
  return part.includes(whole) || 2 * times * part.length >= whole.length;
}
