/** The types of calls, derived from those of the API document: openapi-typescript makes api.ts from it. */
import type { components, paths } from "./api.js";

export type Schemas = components["schemas"];
export type Profile = Schemas["Profile"];
export type ProfileFields = Schemas["ProfileFields"];
export type Problem = Schemas["Problem"];
export type Code = Problem["code"];

type Method = "get" | "post" | "put" | "patch" | "delete";
export type MethodOf<P extends keyof paths> = {
  [M in Method]: paths[P][M] extends { responses: object } ? Uppercase<M> : never;
}[Method];
/** The operation of a method at a path. */
export type Operation<P extends keyof paths, M extends string> = paths[P][Lowercase<M> & Method];
type Content<T> = T extends { content: infer C } ? C[keyof C] : undefined;
type Body<O> = O extends { requestBody: infer B }
  ? { body: Content<B> }
  : { body?: O extends { requestBody?: infer B } ? Content<Exclude<B, undefined>> : undefined };
type Parameters<O> = O extends { parameters: infer P extends { path?: unknown; query?: unknown; header?: unknown } }
  ? Pick<P, "path" | "query" | "header">
  : unknown;
export type Options<O> = Body<O> & Parameters<O> & { signal?: AbortSignal };
/** What a success returns: undefined where it has no content. */
export type Data<O> = O extends { responses: infer R }
  ? { [S in keyof R & (200 | 201 | 202 | 204)]: Content<R[S]> }[keyof R & (200 | 201 | 202 | 204)]
  : never;
/** The options, which may be left out where none is required. */
export type Given<O> = Record<never, never> extends Options<O> ? [options?: Options<O>] : [options: Options<O>];
/** The options of any operation. */
export interface AnyOptions {
  body?: unknown;
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  header?: Record<string, string>;
  signal?: AbortSignal;
}
