// What nobody sees first, and is fetched when somebody does.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { Failure, Waiting } from "./basics";

/** later shows what is made of parts that are fetched then, once they are there. */
function later<P extends object>(fetched: () => Promise<P>) {
  const parts = signal<P | Error | null>(null);
  let asked = false;
  const load = (): void => {
    if (asked) return;
    asked = true;
    fetched().then((p) => (parts.value = p), (e: Error) => {
      asked = false;
      parts.value = e;
    });
  };
  return function Later({ children }: { children: (of: P) => ComponentChildren }) {
    useEffect(load, []);
    const of = parts.value;
    if (of instanceof Error) return <Failure error={of} retry={load} />;
    return of ? <>{children(of)}</> : <div class="page"><Waiting rows={6} /></div>;
  };
}

export const Later = later(() => import("../later"));

/** Signing in is nothing that a server without users has anybody fetch. */
const signIn = () => import("../signing");
export const SignIn = later(signIn);

/** signOut ends the session. */
export const signOut = () => signIn().then((m) => m.signOut());

/** resume goes on where somebody was before a reload. */
export const resume = () => signIn().then((m) => m.resume());
