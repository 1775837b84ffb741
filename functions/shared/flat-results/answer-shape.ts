import type { ColumnType, FlatShape } from '../domain/results/flat-results.ts';
import { commonType, MAX_ANSWER_COLUMNS } from './answer-columns.ts';
import type { Asked } from './asked.ts';

/** The columns that the answers of a file need together, in the order in which its requests first ask for them. */
export class AnswerShape {
  readonly columns: Map<string, ColumnType>;
  hasText: boolean;
  hasVectors: boolean;
  hasTools: boolean;
  #last: Asked['columns'];

  constructor(stored: FlatShape = { columns: [], hasText: false, hasVectors: false, hasTools: false }) {
    this.columns = new Map(stored.columns);
    this.hasText = stored.hasText;
    this.hasVectors = stored.hasVectors;
    this.hasTools = stored.hasTools;
  }

  /** Adds what a request asks for. */
  add({ answer, columns, hasTools }: Asked): void {
    this.hasText ||= answer === 'text';
    this.hasVectors ||= answer === 'vectors';
    this.hasTools ||= hasTools;
    if (!columns || columns === this.#last) return;
    this.#last = columns;
    for (const [name, { type }] of columns) {
      const known = this.columns.get(name);
      if (known !== undefined) this.columns.set(name, commonType(known, type));
      else if (this.#hasRoomFor(name)) this.columns.set(name, type);
    }
  }

  #hasRoomFor(name: string): boolean {
    let characters = name.length;
    for (const known of this.columns.keys()) characters += known.length;
    return this.columns.size < MAX_ANSWER_COLUMNS.count && characters <= MAX_ANSWER_COLUMNS.characters;
  }

  stored(): FlatShape {
    const { hasText, hasVectors, hasTools } = this;
    return { columns: [...this.columns], hasText, hasVectors, hasTools };
  }
}
