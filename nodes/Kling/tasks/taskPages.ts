import type { IDataObject } from 'n8n-workflow';

import { isRefusal, oddAnswer, unwrap, vendorText, type Problem } from '../runtime/problems';
import type { ApiResult, TaskModel } from '../transport/types';
import { record } from '../transport/json';
import { createdMs, parseTask, type Task } from './task';

/** How many tasks to ask for at once; what the API allows is not documented. assumes: page-size-50 */
const PAGE_SIZE = 50;
/** A page without way on is asked for again so many times larger, as far as the second number. */
const PAGE_GROWTH = 4;
const MAX_PAGE_SIZE = 800;
/** No page is cut off below this, so a shorter one holds all there is. assumes: shortest-page, filter-before-page */
const MIN_CUT = 10;

/**
 * The times of one entry are no further apart than this; in the vendor's example it is some ms. Only lists that go on
 * later (see `cursor`) rest on it: beyond it a task could come twice there. assumes: times-apart
 */
const TIMES_APART_MS = 1_000;

/** When a task was made, in epoch ms, from `fromMs` on and before `beforeMs`: windows side by side share no task. */
export interface TimeWindow {
	fromMs?: number;
	beforeMs?: number;
}

/** Where a list goes on: tasks made before `beforeMs` (epoch ms), but for those that were there already. */
export interface Cursor {
	beforeMs: number;
	seen: string[];
}

export interface TaskPagesSource {
	/** GET /v1/kling/tasks with this query. */
	ask: (query: IDataObject) => Promise<ApiResult>;
	/** The error for a list that cannot be had. */
	fail: (problem: Problem) => Error;
	/** Told when tasks may be missing from a list that otherwise goes on. */
	warn?: (hint: string) => void;
}

/**
 * The tasks of one account, newest first, page by page (kling-api.md, "Listing tasks").
 *
 * Pages always go from new to old by `createdBefore`, also with a `fromMs`: `createdBefore` and `createdAfter` exclude each
 * other, and which tasks `createdAfter` gives when there are more than fit is not documented. What is made meanwhile comes
 * before the first page and moves nothing.
 *
 * Whether `createdBefore` takes in the moment itself is not documented either, and several tasks can share one, so every
 * page begins at the oldest moment of the one before, and what was there already is left out.
 */
export class TaskPages {
	/** When each task was made, by id. */
	private readonly seen = new Map<string, number>();
	private beforeMs?: number;
	private oldestMs = Infinity;
	private pageSize = PAGE_SIZE;
	private maxPageSize = MAX_PAGE_SIZE;
	private way: 'on' | 'blocked' | 'ended' = 'on';

	/**
	 * @param filters `email` and `contentType`, as the API names them
	 * @param cursor where another list stopped
	 */
	constructor(
		private readonly source: TaskPagesSource,
		private readonly filters: IDataObject,
		private readonly window: TimeWindow = {},
		cursor?: Cursor,
	) {
		this.beforeMs = cursor?.beforeMs ?? window.beforeMs;
		if (!cursor) return;
		this.oldestMs = cursor.beforeMs - 1;
		cursor.seen.forEach((taskId) => this.seen.set(taskId, NaN));
	}

	/**
	 * The next older tasks within the window, none of them twice. An entry that names no task is left out.
	 *
	 * @returns `undefined` when there are no more
	 * @throws what `fail` makes of a problem that an answer tells, or of an API that does not go further back
	 */
	async next(): Promise<Task[] | undefined> {
		while (this.way !== 'ended') {
			if (this.way === 'blocked') throw this.source.fail(noWayBack(this.seen.size));
			const page = await this.askPage();
			const fresh = page.filter((entry) => this.isNew(entry));
			this.advance(page);
			if (fresh.length > 0) return fresh.filter((entry) => this.isWithin(entry));
		}
		return undefined;
	}

	/** The API gives the same tasks again when it is asked for older ones. */
	get isBlocked(): boolean {
		return this.way === 'blocked';
	}

	/** For a list that goes on later; `undefined` at the end. */
	get cursor(): Cursor | undefined {
		const { beforeMs } = this;
		if (beforeMs === undefined || this.way === 'ended') return undefined;
		// Made just after the moment counts as well: an API may take it in, or go by another one of the entry's times.
		const againFromMs = beforeMs + TIMES_APART_MS;
		const comeAgain = [...this.seen].filter(([, madeMs]) => madeMs <= againFromMs);
		return { beforeMs, seen: comeAgain.map(([taskId]) => taskId) };
	}

	private async askPage(): Promise<Task[]> {
		const { pageSize, beforeMs } = this;
		const result = await this.source.ask({
			...this.filters,
			pageSize,
			...(beforeMs !== undefined && { createdBefore: beforeMs }),
		});
		const got = unwrap(result);
		if (!got.problem) return this.entriesOf(got.body);
		// That a page may be this large is nowhere promised.
		if (isRefusal(got.problem) && pageSize > PAGE_SIZE) {
			this.maxPageSize = this.pageSize = PAGE_SIZE;
			return await this.askPage();
		}
		throw this.source.fail(listProblem(result, got.problem));
	}

	private entriesOf(body: unknown): Task[] {
		const { history } = record(body);
		if (history === null) return [];
		// assumes: history
		if (!Array.isArray(history)) {
			throw this.source.fail(oddAnswer('The answer of useapi.net is not a list of tasks'));
		}
		return history.map((entry) => parseTask(record(entry) as TaskModel));
	}

	private isNew(entry: Task): boolean {
		const { taskId } = entry;
		if (!taskId) return false;
		const isNew = !this.seen.has(taskId);
		this.seen.set(taskId, createdMs(entry));
		return isNew;
	}

	private isWithin(entry: Task): boolean {
		const { fromMs = -Infinity, beforeMs = Infinity } = this.window;
		const madeMs = createdMs(entry);
		// A task without a time is not known to be outside.
		return !(madeMs < fromMs || madeMs >= beforeMs);
	}

	/** Decides what to ask next, if there is to be a next time. */
	private advance(page: Task[]): void {
		const timesMs = page.map(createdMs).filter(Number.isFinite);
		const oldestMs = Math.min(...timesMs);
		if (oldestMs < this.oldestMs) {
			this.oldestMs = oldestMs;
			this.beforeMs = oldestMs + 1;
			if (oldestMs < (this.window.fromMs ?? -Infinity)) this.way = 'ended';
			return;
		}
		// Nothing older from here on: either that is the end, or the page was cut off before it got there.
		if (page.length < MIN_CUT) {
			this.way = 'ended';
			// assumes: page-size
		} else if (page.length >= this.pageSize && this.pageSize < this.maxPageSize) {
			this.pageSize *= PAGE_GROWTH;
		} else if (this.beforeMs !== undefined && this.beforeMs >= this.oldestMs) {
			// Step over the moment; a second step is for an API that takes in `createdBefore` itself.
			if (timesMs.every((madeMs) => madeMs === this.oldestMs)) this.warnOfGap(page.length);
			this.beforeMs--;
		} else {
			this.way = 'blocked';
		}
	}

	private warnOfGap(count: number): void {
		const moment = new Date(this.oldestMs).toISOString();
		this.source.warn?.(
			`useapi.net shows at most ${count} of the tasks that were made at the same moment (${moment}). Others, if there are any, are missing here.`,
		);
	}
}

/** Next steps for a list, where those for a single task or a paid job would mislead. */
const NEXT_STEPS: Record<string, string> = {
	400: "Check 'Account' and 'Filters'. With several Kling accounts connected to useapi.net, 'Account' must be filled in.",
	404: "Check 'Account': it must be the email of a Kling account that is connected to useapi.net.",
};

function listProblem(result: ApiResult, problem: Problem): Problem {
	const description = NEXT_STEPS[problem.httpCode ?? ''];
	if (!description || result.outcome !== 'answered') return problem;
	const message = vendorText(result.body) ?? `useapi.net answered with HTTP ${result.status}`;
	return { ...problem, message, description };
}

const noWayBack = (count: number): Problem => ({
	message: `useapi.net does not list more than the newest ${count} tasks`,
	description: `When asked for older ones it gave the same ones again. To continue with these, set 'Limit' to ${count} or less, or 'Created After' to a later date.`,
});
