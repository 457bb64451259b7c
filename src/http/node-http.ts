// For an import of node:http, Node would load its fetch and WebSocket too: some 30 ms and 4 MB of every process.
export const { createServer, STATUS_CODES } = process.getBuiltinModule("node:http");
