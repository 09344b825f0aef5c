// Shapes: small parsers that turn received JSON into typed values, or throw an error that names the field.
// Unknown fields are ignored. `null` is treated like a missing field.

export type Shape<T> = (value: unknown, where: string) => T;
export type Shaped<S> = S extends Shape<infer T> ? T : never;

type Shapes = Record<string, Shape<unknown>>;
type Present<S extends Shapes> = {
  [K in keyof S as undefined extends Shaped<S[K]> ? never : K]: Shaped<S[K]>;
};
type Absent<S extends Shapes> = {
  [K in keyof S as undefined extends Shaped<S[K]> ? K : never]?: Shaped<S[K]>;
};
export type Fields<S extends Shapes> = Present<S> & Absent<S>;

/** The received value does not have the shape that the protocol defines. */
export class ShapeError extends Error {
  override name = "ShapeError";
  constructor(where: string, wanted: string) {
    super(`${where || "value"}: expected ${wanted}`);
  }
}

export const text: Shape<string> = (value, where) => {
  if (typeof value !== "string") throw new ShapeError(where, "a string");
  return value;
};

export const integer: Shape<number> = (value, where) => {
  if (!Number.isSafeInteger(value)) throw new ShapeError(where, "an integer");
  return value as number;
};

export const flag: Shape<boolean> = (value, where) => {
  if (typeof value !== "boolean") throw new ShapeError(where, "a boolean");
  return value;
};

export const anything: Shape<unknown> = (value) => value;

export function optional<T>(shape: Shape<T>): Shape<T | undefined> {
  return (value, where) => (value === undefined || value === null ? undefined : shape(value, where));
}

/** Returns `otherwise` for a missing field, which an older server does not send. */
export function withDefault<T>(otherwise: T, shape: Shape<T>): Shape<T> {
  return (value, where) => optional(shape)(value, where) ?? otherwise;
}

export function oneOf<const W extends string>(...words: W[]): Shape<W> {
  return (value, where) => {
    if (!words.includes(value as W)) throw new ShapeError(where, `one of ${words}`);
    return value as W;
  };
}

/** Accepts one of the known words. An unknown word, from a newer server, becomes `otherwise`. */
export function oneOfOr<const W extends string>(otherwise: W, ...words: W[]): Shape<W> {
  return (value, where) => {
    const found = text(value, where) as W;
    return words.includes(found) ? found : otherwise;
  };
}

export function listOf<T>(shape: Shape<T>): Shape<T[]> {
  return (value, where) => {
    if (!Array.isArray(value)) throw new ShapeError(where, "a list");
    return value.map((item, at) => shape(item, `${where}[${at}]`));
  };
}

export function mapOf<T>(shape: Shape<T>): Shape<Record<string, T>> {
  return (value, where) => {
    const entries = Object.entries(objectOf(value, where)); // a key may be `__proto__`, which must not be assigned
    return Object.fromEntries(entries.map(([key, item]) => [key, shape(item, `${where}.${key}`)]));
  };
}

export function record<S extends Shapes>(shapes: S): Shape<Fields<S>> {
  return (value, where) => {
    const source = objectOf(value, where);
    const out: Record<string, unknown> = {};
    for (const [key, shape] of Object.entries(shapes)) {
      const field = shape(source[key], where ? `${where}.${key}` : key);
      if (field !== undefined) out[key] = field;
    }
    return out as Fields<S>;
  };
}

export function objectOf(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ShapeError(where, "an object");
  }
  return value as Record<string, unknown>;
}
