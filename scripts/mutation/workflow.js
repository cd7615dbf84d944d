// n8n-workflow as it is loaded outside of jest (environment.js), but for its clock: tests turn that of jest.
module.exports = {
	...globalThis.requireOutside('n8n-workflow'),
	sleep: async (ms) => await new Promise((resolve) => globalThis.setTimeout(resolve, ms)),
};
