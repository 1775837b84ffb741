import type { BatchApi } from '../../functions/shared/ports/ports.ts';

/** The counted calls of an observation. The calls of one wave run at the same time, so each wave is a round trip. */
export interface CallWaves {
  api: Pick<BatchApi, 'listBatches' | 'retrieveBatch'>;
  lists: number;
  retrieves: number;
  waves: number;
}

/** Starts a wave when all calls of the previous wave have returned and no more calls are made. */
export function inWaves(api: BatchApi): CallWaves {
  const waiting: (() => void)[] = [];
  let underWay = 0;
  const next = (): void => {
    if (underWay > 0 || waiting.length === 0) return;
    counted.waves += 1;
    underWay = waiting.length;
    for (const go of waiting.splice(0)) go();
  };
  const through = async <T>(call: () => Promise<T>): Promise<T> => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      setImmediate(next);
    });
    try {
      return await call();
    } finally {
      underWay -= 1;
      setImmediate(next);
    }
  };
  const counted: CallWaves = {
    lists: 0,
    retrieves: 0,
    waves: 0,
    api: {
      listBatches(query) {
        counted.lists += 1;
        return through(() => api.listBatches(query));
      },
      retrieveBatch(batchId) {
        counted.retrieves += 1;
        return through(() => api.retrieveBatch(batchId));
      },
    },
  };
  return counted;
}
