// All assumptions, in the order they are printed.
import type { Assumption } from '../assumption.mts';
import { accountAssumptions } from './account.mts';
import { callbackAssumptions } from './callbacks.mts';
import { fileAssumptions } from './files.mts';
import { listAssumptions } from './lists.mts';
import { refusalAssumptions } from './refusals.mts';
import { taskAssumptions } from './task.mts';
import { upscaleAssumptions } from './upscale.mts';

export const ASSUMPTIONS: Assumption[] = [
	...accountAssumptions,
	...listAssumptions,
	...taskAssumptions,
	...fileAssumptions,
	...upscaleAssumptions,
	...refusalAssumptions,
	...callbackAssumptions,
];
