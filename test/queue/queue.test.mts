import { deathTests } from './parts/deaths.mts';
import { enhanceTests } from './parts/enhance.mts';
import { limitTests } from './parts/limits.mts';
import { lastTests } from './parts/lost.mts';
import { reuseTests } from './parts/reuse.mts';
import { waitModeTests } from './parts/wait-modes.mts';
import { closeStage, JOB_MS, openStage, queue } from './support/stage.mts';

/**
 * n8n's queue mode: main, two workers and a webhook process on real Redis and PostgreSQL. What docs/scaling.md tells
 * users is tried here, and its figures come from here. Every job that is sent is counted by the API's side: none
 * doubled, none lost without a visible error.
 */

beforeAll(openStage, 1_200_000);
afterAll(closeStage, 60_000);
beforeEach(() => void (queue.sandbox.settings.jobMs = JOB_MS));

// One stage for all of them, since it takes a minute to open. They count what was paid over all of it, so the order matters.
describe('every wait mode', waitModeTests);
describe('pictures of the user’s own', enhanceTests);
describe('something dies', deathTests);
describe('a new execution of the same items, with Reuse Earlier Result', reuseTests);
describe('in the end', lastTests);
describe('where the guarantee ends', limitTests);
