// For code that wants the classes themselves. n8n does not use this file: it loads what package.json names under "n8n".
const { UseApiNetApi } = require('./dist/credentials/UseApiNetApi.credentials.js');
const { Kling } = require('./dist/nodes/Kling/Kling.node.js');
const { KlingTrigger } = require('./dist/nodes/Kling/KlingTrigger.node.js');

module.exports = { Kling, KlingTrigger, UseApiNetApi };
