const { default: Sequencer } = require('@jest/test-sequencer');

/** On a fresh machine Jest begins with the largest files; these take longest, whatever their size. */
const LONGEST = ['paid-once/model', 'fault-table', 'sandbox/live'];

module.exports = class extends Sequencer {
	sort(tests) {
		const rank = ({ path }) => {
			const place = LONGEST.findIndex((name) => path.endsWith(`/${name}.test.mts`));
			return place === -1 ? LONGEST.length : place;
		};
		return super.sort(tests).toSorted((a, b) => rank(a) - rank(b));
	}
};
