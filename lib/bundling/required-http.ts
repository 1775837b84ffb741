import type { Plugin } from 'esbuild';

/**
 * Loads `node:http` by `require`, also for ES modules. An import reads every export of it, and one of them loads Node's client for
 * `fetch` and `WebSocket`, which takes a fifth of a command's start.
 */
export const requiredHttp: Plugin = {
  name: 'required-http',
  setup(build) {
    build.onResolve({ filter: /^(node:)?http$/ }, ({ kind }) =>
      kind === 'require-call' ? undefined : { path: 'node:http', namespace: 'required' },
    );
    build.onLoad({ filter: /^/, namespace: 'required' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};
