import type { Scratch } from '../../functions/shared/core/ports.ts';

/** A disk in memory; `open` tells how many files take its room. */
export function createInMemoryScratch(): Scratch & { openFiles(): number } {
  let openFiles = 0;
  return {
    openFiles: () => openFiles,
    async open() {
      openFiles += 1;
      let isOpen = true;
      let content = Buffer.alloc(0);
      return {
        async append(bytes) {
          content = Buffer.concat([content, bytes]);
        },
        async read(start, length) {
          if (start + length > content.length)
            throw new RangeError(`scratch: ${start + length} is beyond its ${content.length} bytes`);
          return Uint8Array.from(content.subarray(start, start + length));
        },
        async discard() {
          if (isOpen) openFiles -= 1;
          isOpen = false;
        },
      };
    },
  };
}
