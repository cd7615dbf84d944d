/** Stand-ins for the API, for n8n and for what one call of the node shares. */

export * from './fakes/answers.mts';
export * from './fakes/execution.mts';
export * from './fakes/kling.mts';
export * from './fakes/n8n.mts';
export * from './fakes/time.mts';
