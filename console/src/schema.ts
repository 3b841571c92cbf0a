// The types of the API: those that its client in TypeScript has, made of the OpenAPI document.
export type * from "../../sdk/typescript/src/api";
