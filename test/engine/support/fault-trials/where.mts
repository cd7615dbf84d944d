/** The calls of the API that are spoiled, as the sandbox is told them. */

export const POST_ENHANCE = { method: 'POST', path: '/v1/kling/images/enhance' };
export const UPLOAD = { method: 'POST', path: '/v1/kling/assets' };
export const POST_UPSCALE = { method: 'POST', path: '/v1/kling/images/upscale' };
export const GET_TASK = { method: 'GET', path: '/v1/kling/tasks/' };
export const GET_TASKS = { method: 'GET', path: '^/v1/kling/tasks$' };
export const GET_ACCOUNTS = { method: 'GET', path: '/v1/kling/accounts' };
export const GET_SCHEDULER = { method: 'GET', path: '/v1/kling/scheduler' };
export const GET_CLEAN_FILE = { method: 'GET', path: '/v1/kling/assets/download' };
export const DELETE_TASK = { method: 'DELETE', path: '/v1/kling/tasks/' };
export const GET_FILE = { method: 'GET', path: '/results/', server: 'cdn' as const };
