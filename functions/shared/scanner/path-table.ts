import type { LineShape } from './line-shapes.ts';

/** Where the module reads the table. */
interface TableAddresses {
  nodes: number;
  entries: number;
  keys: number;
}

const NODE_BYTES = 8;
const ENTRY_BYTES = 24;
const NONE = 0xff; // the same as NO_NODE and NO_SLOT in assembly/scanner.ts
const MAX_PATHS = 24;
const MAX_ENTRIES = 32; // one bit each during the scan of a line
const MAX_KEY_BYTES = 1024;

/** The keys of one requested level. */
interface Level {
  keys: Map<string, { slot: number; below: Level | undefined }>;
}

/**
 * Writes the paths of a shape as the tree that the scanner walks. Each node is a requested level, and each entry is a
 * key on it, with the slot of its value and the node of the objects in it. Errors: RangeError if there are too many.
 */
export function writePathTable(memory: ArrayBuffer, at: TableAddresses, { paths }: LineShape): void {
  const root = levelsOf(Object.values(paths));
  const bytes = Buffer.from(memory);
  const levels = [root];
  let [entry, key] = [at.entries, at.keys];
  for (let node = 0; node < levels.length; node += 1) {
    const keys = levels[node]?.keys ?? new Map();
    bytes.writeUInt32LE(entry, at.nodes + node * NODE_BYTES);
    bytes.writeUInt32LE(keys.size, at.nodes + node * NODE_BYTES + 4);
    for (const [name, { slot, below }] of keys) {
      const length = bytes.write(name, key);
      bytes.copy(bytes, entry, key, key + Math.min(8, length));
      bytes.writeUInt32LE(key, entry + 8);
      bytes.writeUInt32LE(length, entry + 12);
      bytes[entry + 16] = slot;
      bytes[entry + 17] = below ? levels.push(below) - 1 : NONE;
      entry += ENTRY_BYTES;
      key += length;
    }
  }
  if ((entry - at.entries) / ENTRY_BYTES > MAX_ENTRIES || key - at.keys > MAX_KEY_BYTES)
    throw new RangeError('scanner: the paths have too many keys');
}

function levelsOf(paths: readonly string[]): Level {
  if (paths.length > MAX_PATHS)
    throw new RangeError(`scanner: ${paths.length} paths; ${MAX_PATHS} are allowed`);
  const root: Level = { keys: new Map() };
  for (const [slot, path] of paths.entries()) {
    let level = root;
    const names = path.split('.');
    for (const [depth, name] of names.entries()) {
      const known = level.keys.get(name) ?? { slot: NONE, below: undefined };
      level.keys.set(name, known);
      if (depth === names.length - 1) known.slot = slot;
      else {
        known.below ??= { keys: new Map() };
        level = known.below;
      }
    }
  }
  return root;
}
