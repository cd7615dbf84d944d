/** The one of all runs (environment.cjs), but for what waits: in tests time is virtual. */
const { n8nWorkflow } = globalThis;
const own = { sleep: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)) };
module.exports = new Proxy(n8nWorkflow, { get: (target, key) => own[key] ?? target[key] });
