/*
 * Ports whose adapters are loaded when they are first used, so that a cold start does not wait for them
 * (docs/performance.md, "Cold starts"). Every invocation needs the ledger, and only the ledger.
 */
import type {
  BatchApi,
  EventBus,
  ObjectWriter,
  RequestCopies,
  RequestFiles,
  ResultStore,
  WaitingTasks,
} from '../../ports/ports.ts';

/** Returns the result of `load`, which runs once. Errors: those of `load`, at each call. */
export type Load<T> = () => Promise<T>;

export function loadedOnce<T>(load: Load<T>): Load<T> {
  let loaded: Promise<T> | undefined;
  return () => {
    loaded ??= load();
    return loaded;
  };
}

export function lateBus(load: Load<EventBus>): EventBus {
  return { publish: async (events) => (await load()).publish(events) };
}

export function lateBatchApi(load: Load<BatchApi>): BatchApi {
  return {
    uploadFile: async (...args) => (await load()).uploadFile(...args),
    createBatch: async (...args) => (await load()).createBatch(...args),
    retrieveBatch: async (...args) => (await load()).retrieveBatch(...args),
    listBatches: async (...args) => (await load()).listBatches(...args),
    cancelBatch: async (...args) => (await load()).cancelBatch(...args),
    fileBytes: async (...args) => (await load()).fileBytes(...args),
    async *readFile(...args) {
      yield* (await load()).readFile(...args);
    },
    deleteFile: async (...args) => (await load()).deleteFile(...args),
  };
}

export function lateRequestFiles(load: Load<RequestFiles>): RequestFiles {
  return {
    head: async (file) => (await load()).head(file),
    async *read(file, range) {
      yield* (await load()).read(file, range);
    },
    tagEnded: async (file) => (await load()).tagEnded(file),
  };
}

export function lateResults(load: Load<ResultStore>): ResultStore {
  return {
    put: async (...args) => (await load()).put(...args),
    openWriter: (...args) => lateWriter(load().then((results) => results.openWriter(...args))),
    size: async (key) => (await load()).size(key),
    async *read(...args) {
      yield* (await load()).read(...args);
    },
    keysUnder: async (prefix) => (await load()).keysUnder(prefix),
    remove: async (keys) => (await load()).remove(keys),
    beginUpload: async (...args) => (await load()).beginUpload(...args),
    uploadBytes: async (...args) => (await load()).uploadBytes(...args),
    uploadCopy: async (...args) => (await load()).uploadCopy(...args),
    completeUpload: async (...args) => (await load()).completeUpload(...args),
    abortUpload: async (...args) => (await load()).abortUpload(...args),
  };
}

export function lateCopies(load: Load<RequestCopies>): RequestCopies {
  return {
    look: async (source) => (await load()).look(source),
    copy: async (...args) => (await load()).copy(...args),
  };
}

export function lateTasks(load: Load<WaitingTasks>): WaitingTasks {
  return {
    succeed: async (...args) => (await load()).succeed(...args),
    fail: async (...args) => (await load()).fail(...args),
  };
}

function lateWriter(opened: Promise<ObjectWriter>): ObjectWriter {
  opened.catch(() => {}); // the next call of the writer throws it
  return {
    write: async (bytes) => (await opened).write(bytes),
    close: async () => (await opened).close(),
    abort: async () => (await opened.catch(() => undefined))?.abort(),
  };
}
