const { TestEnvironment } = require('jest-environment-node');
const n8nWorkflow = require('n8n-workflow');

/**
 * For Stryker. All runs share one n8n-workflow, which takes longer to load than most tests to run, and its classes of
 * errors, so that `instanceof` holds. What comes after a test that failed is left out, since one is enough.
 */
module.exports = class extends TestEnvironment {
	handleTestEvent({ name, test }, { testNamePattern }) {
		if (name === 'setup') {
			Object.assign(this.global, { testNamePattern, n8nWorkflow, Error, TypeError });
		}
		if (name === 'test_start' && this.hasFailed) test.mode = 'skip';
		if (name === 'test_done' && test.errors.length > 0) this.hasFailed = true;
	}
};
