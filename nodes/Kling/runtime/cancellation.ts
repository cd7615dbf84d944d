import type { INode } from 'n8n-workflow';
import { NodeOperationError, sleep } from 'n8n-workflow';

/** How soon a pause sees a cancel. */
const STEP_MS = 250;
/** How soon a pause sees that what it waits for has come, e.g. a free job slot. */
const READY_STEP_MS = 50;

/**
 * Tells everything a node does when to stop: when the user cancels the execution, or when one item failed and the node
 * is set to stop on errors.
 *
 * Pauses are made of short steps because n8n's `sleep` is the only timer a community node may use and it cannot be
 * stopped in every supported version of n8n.
 */
export class Cancellation {
	private cause: Error | undefined;

	constructor(
		private readonly node: INode,
		/** None where there is nobody to cancel: in a webhook call. */
		readonly cancelSignal?: AbortSignal,
	) {}

	get isCanceled(): boolean {
		return this.cancelSignal?.aborted === true;
	}

	/** The first reason counts; later ones are consequences of it. */
	abort(reason: Error): void {
		this.cause ??= reason;
	}

	/** The reason to stop, if there is one. A cancel outranks every error, since it brings errors about. */
	get reason(): Error | undefined {
		if (!this.isCanceled) return this.cause;
		// n8n shows an execution as canceled, not failed, when the error's message has this word.
		return new NodeOperationError(this.node, 'The execution was canceled', {
			description:
				'Tasks that were already created continue at Kling and can be fetched with Task → Get.',
		});
	}

	/** @throws the reason to stop, if there is one */
	throwIfAborted(): void {
		const { reason } = this;
		if (reason) throw reason;
	}

	/**
	 * Waits until the time `untilMs` (epoch ms).
	 *
	 * @throws the reason to stop, within `STEP_MS` of its coming up
	 */
	async sleepUntil(untilMs: number): Promise<void> {
		for (;;) {
			this.throwIfAborted();
			const leftMs = untilMs - Date.now();
			if (leftMs <= 0) return;
			await sleep(Math.min(leftMs, STEP_MS));
		}
	}

	/** Waits until `ready()`, asking every `READY_STEP_MS`. @throws the reason to stop */
	async waitFor(ready: () => boolean): Promise<void> {
		for (;;) {
			this.throwIfAborted();
			if (ready()) return;
			await sleep(READY_STEP_MS);
		}
	}
}
