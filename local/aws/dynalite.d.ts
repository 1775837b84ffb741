declare module 'dynalite' {
  /** A DynamoDB server; kept in memory without a `path`. Times in milliseconds. */
  export default function dynalite(options?: {
    path?: string;
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }): import('node:http').Server;
}
