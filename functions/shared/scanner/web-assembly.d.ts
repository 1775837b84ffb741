/** What is used of WebAssembly: TypeScript has its types among those of browsers only, and Node has none. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, () => void>>);
    readonly exports: Record<string, unknown>;
  }
  interface Memory {
    readonly buffer: ArrayBuffer;
    /** Adds pages of 64 KiB. The buffer before is detached. */
    grow(pages: number): number;
  }
  interface Global {
    readonly value: number;
  }
  function validate(bytes: Uint8Array): boolean;
}
