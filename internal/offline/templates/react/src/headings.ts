import { type Kind } from "./lib/kinds";

/** A kind as the heading of its page. */
export function headingOf(kind: Kind): string {
  return kind.many.charAt(0).toUpperCase() + kind.many.slice(1);
}
