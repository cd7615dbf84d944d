// Loaded into n8n: SIGUSR2 collects its garbage, so that what is left of its heap is what it really holds on to.
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
process.on('SIGUSR2', () => collect());
