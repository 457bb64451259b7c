/** What one request, one connection and one address may take. Sizes in bytes, times in milliseconds. */
export const doorLimits = {
  /** The largest honest operation, a full name of 20,000 four-byte characters, fits. */
  body: 100_000,
  /** A token of ours and a few cookies; what most servers and proxies take. */
  headers: 16_384,
  /** Headers fit into a few packets. */
  headersTime: 10_000,
  /** A request that trickles in must not hold a connection for ever. */
  requestTime: 30_000,
  /** Some statements of 5 seconds each, one after the other; nobody waits longer for an answer. */
  answerTime: 30_000,
  /** How often the times of arrival are looked at. */
  timeChecks: 1_000,
  /** Who neither sends nor reads meanwhile has gone. */
  idleTime: 60_000,
  /** Longer than the idle time of common load balancers, so that the balancer closes first. */
  keepAliveTime: 65_000,
  /** Some 20 kB each, so a few hundred megabytes. Fewer where the process may not open as many files. */
  connections: 10_000,
} as const;
