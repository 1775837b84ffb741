import { AwsError } from './aws-error.ts';

/**
 * A JSON object from a client, read field by field. Throws an error that names a missing field or a field of the wrong
 * type.
 */
export class Input {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #missingFieldCode: string;

  private constructor(fields: Readonly<Record<string, unknown>>, missingFieldCode: string) {
    this.#fields = fields;
    this.#missingFieldCode = missingFieldCode;
  }

  static of(value: unknown, missingFieldCode: string): Input {
    if (!isObject(value)) throw wrongType('The request', 'an object');
    return new Input(value, missingFieldCode);
  }

  names(): string[] {
    return Object.keys(this.#fields).filter((name) => this.has(name));
  }

  /** Returns whether the field is present and not null. AWS treats null as absent. */
  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name) && this.#fields[name] !== null;
  }

  text(name: string): string {
    return this.optionalText(name) ?? this.#missing(name);
  }

  optionalText(name: string): string | undefined {
    const value = this.#value(name);
    if (value === undefined || typeof value === 'string') return value;
    throw wrongType(name, 'a string');
  }

  optionalBoolean(name: string): boolean | undefined {
    const value = this.#value(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw wrongType(name, 'true or false');
  }

  integer(name: string): number {
    return this.optionalInteger(name) ?? this.#missing(name);
  }

  optionalInteger(name: string): number | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    throw wrongType(name, 'an integer');
  }

  /** Returns a time in milliseconds. AWS JSON contains times as seconds since the epoch, with a fraction. */
  optionalTime(name: string): number | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isFinite(value)) return Math.round(value * 1000);
    throw wrongType(name, 'a time in epoch seconds');
  }

  optionalObject(name: string): Input | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    if (isObject(value)) return new Input(value, this.#missingFieldCode);
    throw wrongType(name, 'an object');
  }

  /** Returns a list of strings; empty if the field is absent. */
  texts(name: string): string[] {
    return this.#list(name).map((value) => {
      if (typeof value === 'string') return value;
      throw wrongType(name, 'a list of strings');
    });
  }

  /** Returns a list of objects; empty if the field is absent. */
  objects(name: string): Input[] {
    return this.plainObjects(name).map((value) => Input.of(value, this.#missingFieldCode));
  }

  /** Returns a list of objects as they were sent; empty if the field is absent. */
  plainObjects(name: string): object[] {
    return this.#list(name).map((value) => {
      if (isObject(value)) return value;
      throw wrongType(name, 'a list of objects');
    });
  }

  /** Returns a map of strings; empty if the field is absent. */
  textMap(name: string): Record<string, string> {
    const map = this.optionalObject(name);
    return map === undefined
      ? {}
      : Object.fromEntries(map.names().map((key): [string, string] => [key, map.text(key)]));
  }

  #list(name: string): unknown[] {
    const value = this.#value(name);
    if (value === undefined) return [];
    if (Array.isArray(value)) return value;
    throw wrongType(name, 'a list');
  }

  #value(name: string): unknown {
    return this.has(name) ? this.#fields[name] : undefined;
  }

  #missing(name: string): never {
    throw new AwsError(this.#missingFieldCode, `The request must contain the parameter ${name}.`);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrongType(name: string, expected: string): AwsError {
  return new AwsError('SerializationException', `${name} must be ${expected}.`);
}
