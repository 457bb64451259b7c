/** A message of PostgreSQL's protocol: its type, "" of a start-up message, and its content. */
type Report = (type: string, content: Buffer) => void;

/** Cuts one side of a connection into messages; a client's begins with one that has no type. */
export function messageReader(side: "client" | "server", report: Report): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0);
  let typeLength = side === "client" ? 0 : 1;
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= typeLength + 4) {
      const length = typeLength + pending.readInt32BE(typeLength);
      if (pending.length < length) return;
      const type = pending.toString("latin1", 0, typeLength);
      report(type, pending.subarray(typeLength + 4, length));
      pending = pending.subarray(length);
      typeLength = 1;
    }
  };
}

/** What a notice says: fields of a letter and a text that ends with a zero. */
export function noticeText(content: Buffer): string {
  const fields = content.toString("utf8").split("\0");
  return fields.find((field) => field.startsWith("M"))?.slice(1) ?? "";
}
