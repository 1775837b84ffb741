import type { BatchApi } from '../ports/ports.ts';

/**
 * Returns the API with calls that end with the signal at the latest, so that calls end before their invocation does.
 */
export function apiUntil(api: BatchApi, signal: AbortSignal): BatchApi {
  return {
    uploadFile: (upload, own) => api.uploadFile(upload, own),
    createBatch: (request, own) => api.createBatch(request, own),
    retrieveBatch: (batchId) => api.retrieveBatch(batchId, signal),
    listBatches: (query) => api.listBatches(query, signal),
    cancelBatch: (batchId) => api.cancelBatch(batchId, signal),
    fileBytes: (fileId) => api.fileBytes(fileId, signal),
    readFile: (fileId) => api.readFile(fileId, signal),
    deleteFile: (fileId) => api.deleteFile(fileId, signal),
  };
}
