import { allOver, expectPaidOnce, isLost, wantedSoFar } from '../support/batch.mts';
import { figures, lost, queue } from '../support/stage.mts';

/** What became of executions on killed workers, and what was paid over all of it. */

export function lastTests(): void {
	test('what was on a killed worker ended with an error that can be seen, and did not run again', async () => {
		const ended = await allOver(queue, lost);
		const otherwise = ended.filter(({ execution }) => !isLost(execution));
		expect(otherwise.map(({ execution }) => execution.resultData.error ?? execution)).toEqual([]);
		expectPaidOnce(queue, lost);
		const seconds = ended.map(
			({ execution }, place) => (Date.parse(execution.stoppedAt) - lost[place].atMs) / 1000,
		);
		figures.add('n8n called the last of these failed after', Math.max(...seconds), 's');
	}, 400_000);

	test('over all of it, as many images were paid as were wanted', async () => {
		const paid = await paidSoFar();
		figures.add('images wanted in all', wantedSoFar());
		figures.add('images paid in all', paid);
		expect(paid).toBe(wantedSoFar());
	});
}

async function paidSoFar(): Promise<number> {
	const state = await fetch(`${queue.sandbox.url}/_sandbox/state`);
	return ((await state.json()) as { accepted: number }).accepted;
}
