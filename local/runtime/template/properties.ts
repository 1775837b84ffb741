/** Properties that would have an effect when deployed, but none here. */
export class UnsupportedProperties extends Error {
  override readonly name = 'UnsupportedProperties';
  readonly properties: readonly string[];

  constructor(properties: readonly string[]) {
    const what = properties.length === 1 ? 'the property' : 'the properties';
    super(`${what} ${properties.join(', ')} ${properties.length === 1 ? 'is' : 'are'} not supported`);
    this.properties = properties;
  }
}

/**
 * Reads the resolved properties of one resource. Each property must be read, or ignored by name. `done` throws for any
 * other property, because it would have an effect when deployed but none here. Errors do not name the resource.
 */
export class Properties {
  readonly #path: string;
  readonly #values: Map<string, unknown>;

  /** `path`: where they are in the resource, with a dot at the end. */
  constructor(values: object, path = '') {
    this.#path = path;
    this.#values = new Map(Object.entries(values));
  }

  text(name: string): string {
    return this.optionalText(name) ?? this.#missing(name);
  }

  optionalText(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === 'string') return value;
    return this.#wrong(name, 'a string');
  }

  /** Returns one of the given strings. */
  choice<const T extends string>(name: string, choices: readonly T[]): T {
    const given = this.text(name);
    return choices.find((choice) => choice === given) ?? this.#wrong(name, `one of ${choices.join(', ')}`);
  }

  /** Returns a number; CloudFormation accepts `5` and `"5"`. */
  optionalNumber(name: string): number | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    return Number.isFinite(number) ? number : this.#wrong(name, 'a number');
  }

  number(name: string): number {
    return this.optionalNumber(name) ?? this.#missing(name);
  }

  /** Returns a boolean; CloudFormation accepts `true` and `"true"`. */
  optionalFlag(name: string): boolean | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (String(value) === 'true') return true;
    return String(value) === 'false' ? false : this.#wrong(name, 'true or false');
  }

  /** Returns a nested object. The caller must call its `done`. */
  optionalObject(name: string): Properties | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.#wrong(name, 'an object');
    return new Properties(value, `${this.#path}${name}.`);
  }

  object(name: string): Properties {
    return this.optionalObject(name) ?? this.#missing(name);
  }

  objects(name: string): Properties[] {
    return this.#list(name).map((each, at) =>
      typeof each === 'object' && each !== null
        ? new Properties(each, `${this.#path}${name}[${at}].`)
        : this.#wrong(name, 'a list of objects'),
    );
  }

  texts(name: string): string[] {
    return this.#list(name).map((each) =>
      typeof each === 'string' ? each : this.#wrong(name, 'a list of strings'),
    );
  }

  /** Returns an object of strings, such as a function's environment. */
  textsByName(name: string): Record<string, string> {
    const value = this.#take(name) ?? {};
    return Object.fromEntries(Object.entries(Object(value)).map(([key, each]) => [key, String(each)]));
  }

  /** Returns a JSON value, such as an event pattern. */
  json(name: string): unknown {
    return this.#take(name);
  }

  /** Ignores properties that have no effect on one machine. */
  ignore(...names: string[]): this {
    for (const name of names) this.#take(name);
    return this;
  }

  /** Throws if a property was neither read nor ignored. */
  done(): void {
    const left = [...this.#values.keys()].map((name) => `${this.#path}${name}`);
    if (left.length > 0) throw new UnsupportedProperties(left);
  }

  #take(name: string): unknown {
    const value = this.#values.get(name);
    this.#values.delete(name);
    return value;
  }

  #list(name: string): unknown[] {
    const value = this.#take(name) ?? [];
    return Array.isArray(value) ? value : this.#wrong(name, 'a list');
  }

  #missing(name: string): never {
    throw new Error(`the property ${this.#path}${name} is missing`);
  }

  #wrong(name: string, wanted: string): never {
    throw new Error(`the property ${this.#path}${name} must be ${wanted}`);
  }
}
