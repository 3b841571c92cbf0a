import { byId, showMessages } from "./dom";
import { draw } from "./draw";
import { run, type Part } from "./part";

/** Brings a page's part to life. */
export function mountPart<State, Action>(part: Part<State, Action>): void {
  const running = run(part);
  const refresh = (): void => draw(byId("part", HTMLElement), [running.view()]);
  showMessages();
  running.onChange(refresh);
  refresh();
}
