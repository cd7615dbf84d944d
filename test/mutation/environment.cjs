const { TestEnvironment } = require('jest-environment-node');

/** For Stryker, which needs no more than one test that fails: leaves out what comes after it. */
module.exports = class extends TestEnvironment {
	handleTestEvent({ name, test }, { testNamePattern }) {
		if (name === 'setup') this.global.testNamePattern = testNamePattern;
		if (name === 'test_start' && this.hasFailed) test.mode = 'skip';
		if (name === 'test_done' && test.errors.length > 0) this.hasFailed = true;
	}
};
