// The script in each page of a preview: it shows and reports what goes wrong, tells an embedding console, and loads the
// page again when there is something newer. It runs before the page's own scripts, takes its element out of the page,
// leaves no global behind, and keeps the functions that it needs, since the page may replace them.
(() => {
  "use strict";
  const element = document.currentScript;
  if (!element) return;
  const { revision = "0", job = "", version = "", embedders = "" } = element.dataset;
  element.remove();

  // Who is told. A page that is framed by anybody but its own origin and the embedders is left alone.
  const allowed = embedders.split(" ").filter(Boolean);
  const consoles = [];
  let framedBySelf = false;
  if (window.parent !== window) {
    if (location.ancestorOrigins) {
      let frame = window;
      for (const [i, origin] of [...location.ancestorOrigins].entries()) {
        frame = frame.parent;
        if (origin === location.origin) {
          framedBySelf ||= i === 0;
        } else if (!allowed.includes(origin)) {
          return;
        } else if (!consoles.length) {
          consoles.push([frame, origin]);
        }
      }
    } else {
      // The browser delivers to the one that it is.
      for (const origin of allowed) consoles.push([window.parent, origin]);
    }
  }

  const { fetch, EventSource, JSON, Promise, AbortSignal, setTimeout, requestAnimationFrame, performance, scrollTo } = window;
  const post = window.postMessage;

  const tell = (type, more) => {
    for (const [frame, origin] of consoles) {
      post.call(frame, { source: "codeforge-preview", version: 1, type, revision: Number(revision), job: job || null, page: here(), ...more }, origin);
    }
  };
  const here = () => location.pathname + location.hash;
  const cut = (text, length) => (text.length > length ? text.slice(0, length - 1) + "…" : text);

  // --- What goes wrong ---

  const describe = (reason) => {
    try {
      if (reason instanceof Error || (reason && typeof reason.message === "string")) {
        return reason.name ? `${reason.name}: ${reason.message}` : reason.message;
      }
      return typeof reason === "object" && reason !== null ? JSON.stringify(reason) : String(reason);
    } catch {
      return "an error that cannot be described";
    }
  };

  const own = "/__preview/";
  // An address of the page's own origin without the origin; "" for any other, as those of the browser's extensions.
  const local = (url) => (typeof url === "string" && url.startsWith(location.origin + "/") ? url.slice(location.origin.length) : "");

  const line = /^\s*(?:at )?(?:async )?(?:(.*?) ?[(@])?(https?:\/\/[^\s()]+?):(\d+):(\d+)\)?\s*$/;
  const framesOf = (stack) => {
    const frames = [];
    for (const text of String(stack || "").slice(0, 20000).split("\n")) {
      const found = line.exec(text.slice(0, 1000));
      const path = found && local(found[2]);
      if (path && !path.startsWith(own)) {
        frames.push({ path: cut(path, 500), line: Number(found[3]), column: Number(found[4]), function: cut(found[1] || "", 100) });
      }
      if (frames.length === 8) break;
    }
    return frames;
  };

  const seen = new Map(); // what was reported, by what it says
  const waiting = []; // what is to be reported
  const limit = 20; // different ones of one page
  let sending = false;

  // visible says that the person must see it: the page cannot work as it is.
  const note = (kind, message, frames, visible) => {
    const error = { wire: { kind, message: cut(message || "unknown", 1000), page: cut(here(), 300), frames }, visible };
    const first = frames[0] || {};
    const key = [kind, message, first.path, first.line, first.column].join("\n");
    if (seen.has(key) || seen.size === limit) return;
    seen.set(key, error);
    waiting.push(error);
    if (!sending) {
      sending = true;
      setTimeout(send, 50);
    }
  };

  const send = async () => {
    sending = false;
    const batch = waiting.splice(0);
    if (!batch.length) return;
    let places = [];
    try {
      const answer = await fetch.call(window, own + "errors", {
        method: "POST", headers: { "Content-Type": "application/json" }, credentials: "same-origin", keepalive: true, redirect: "error",
        body: JSON.stringify({ revision: Number(revision), errors: batch.map((error) => error.wire) }), signal: AbortSignal.timeout(3000),
      });
      if (answer.ok) places = (await answer.json()).errors;
    } catch {
      // They are shown where they were built to.
    }
    batch.forEach((error, i) => {
      const { kind, message, frames: [first] } = error.wire;
      error.shown = { kind, message, file: first ? first.path : "", line: first ? first.line : 0, column: first ? first.column : 0, stack: "", ...places[i] };
      tell("error", { error: error.shown });
    });
    if (batch.some((error) => error.visible)) showErrors([...seen.values()].flatMap((error) => error.shown || []));
  };

  // A page that handles an error itself says so, after this listener.
  const unlessHandled = (event, then) => setTimeout(() => event.defaultPrevented || then(), 0);

  window.addEventListener("error", (event) => {
    const failed = event.target;
    if (failed instanceof Element) {
      const url = local(failed.src || failed.href);
      if (!url) return; // the policy's: told as blocked
      note("load", `<${failed.localName}> could not load ${cut(url, 500)}`, [], failed instanceof HTMLScriptElement);
      return;
    }
    if (event.message === undefined || /^ResizeObserver loop /.test(event.message)) return;
    if (event.filename && !local(event.filename)) return;
    const at = { path: cut(local(event.filename), 500), line: event.lineno, column: event.colno, function: "" };
    const frames = event.error ? framesOf(event.error.stack) : [];
    if (at.path && (!frames.length || event.error instanceof SyntaxError)) frames.unshift(at);
    const message = event.error ? describe(event.error) : event.message;
    unlessHandled(event, () => note("error", message, frames, true));
  }, true);

  window.addEventListener("unhandledrejection", (event) => {
    const message = describe(event.reason);
    const frames = framesOf(event.reason && event.reason.stack);
    unlessHandled(event, () => note("rejection", message, frames, true));
  });

  document.addEventListener("securitypolicyviolation", (event) => {
    if (event.disposition !== "enforce" || local(event.blockedURI).startsWith(own) || (event.sourceFile && !local(event.sourceFile))) return;
    const path = local(event.sourceFile);
    note("blocked", `${cut(event.blockedURI || "inline code", 500)} was blocked: a preview loads nothing from elsewhere (${event.effectiveDirective})`,
      path ? [{ path: cut(path, 500), line: event.lineNumber, column: event.columnNumber, function: "" }] : [], /^script-src/.test(event.effectiveDirective));
  });

  // --- What is shown ---

  const styles = `
    :host { all: initial; position: fixed; inset: auto 0 0 auto; z-index: 2147483647; width: min(46rem, 100%); box-sizing: border-box; padding: 12px; pointer-events: none;
      --back: #fff; --text: #1d1f24; --soft: #5a606b; --edge: #d9dce2; --mark: #b3261e; --code: #f4f5f7; --focus: #0b57d0; color-scheme: light; }
    @media (prefers-color-scheme: dark) {
      :host { --back: #1b1d22; --text: #eceef2; --soft: #a9b0bc; --edge: #3a3e47; --mark: #ff8a80; --code: #26292f; --focus: #a8c7fa; color-scheme: dark; }
    }
    section { pointer-events: auto; display: flex; flex-direction: column; max-height: min(60vh, 34rem); background: var(--back); color: var(--text); border: 1px solid var(--edge);
      border-top: 4px solid var(--mark); border-radius: 10px; box-shadow: 0 10px 34px rgb(0 0 0 / .28); font: 14px/1.45 system-ui, sans-serif; overflow: hidden; }
    header { display: flex; align-items: center; gap: 8px; padding: 10px 10px 10px 16px; }
    h2 { flex: 1; margin: 0; font-size: 15px; line-height: 1.3; overflow-wrap: anywhere; }
    button { min-height: 32px; padding: 4px 12px; font: inherit; color: inherit; background: var(--code); border: 1px solid var(--edge); border-radius: 6px; cursor: pointer; }
    button:hover { border-color: var(--soft); }
    button:focus-visible, summary:focus-visible, ol:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
    p { margin: 0; padding: 0 16px 10px; color: var(--soft); }
    ol { margin: 0; padding: 0 16px 12px; list-style: none; overflow: auto; overscroll-behavior: contain; }
    ol:focus-visible { outline-offset: -2px; }
    li { padding: 10px 0; border-top: 1px solid var(--edge); overflow-wrap: anywhere; }
    strong { font: 600 13px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; }
    code { display: block; margin-top: 4px; font: 12px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; color: var(--mark); }
    summary { margin-top: 4px; color: var(--soft); cursor: pointer; font-size: 13px; width: fit-content; border-radius: 4px; }
    pre { margin: 6px 0 0; padding: 8px 10px; background: var(--code); border-radius: 6px; font: 12px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; }
    @media (prefers-reduced-motion: no-preference) { section { animation: rise .16s ease-out; } @keyframes rise { from { transform: translateY(8px); opacity: 0; } } }`;

  const make = (name, text, more) => {
    const e = document.createElement(name);
    if (text) e.textContent = text;
    return Object.assign(e, more);
  };
  const placeOf = (entry) => (entry.file ? entry.file + (entry.line ? `:${entry.line}:${entry.column}` : "") : "");

  let host, root, returnTo;
  const dismiss = () => {
    host?.remove();
    returnTo?.focus?.();
    returnTo = null;
  };

  const show = (title, text, entries) => {
    if (!host) {
      host = document.createElement("codeforge-preview");
      root = host.attachShadow({ mode: "closed" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(styles);
      root.adoptedStyleSheets = [sheet];
      for (const type of ["click", "pointerdown", "mousedown", "keydown", "keyup", "input", "wheel"]) {
        host.addEventListener(type, (event) => event.stopPropagation(), { passive: true }); // the page's shortcuts are not for this
      }
      root.addEventListener("keydown", (event) => event.key === "Escape" && dismiss());
      root.addEventListener("focusin", (event) => {
        if (event.relatedTarget instanceof HTMLElement) returnTo = event.relatedTarget;
      });
    }
    const panel = make("section");
    panel.setAttribute("role", "alert");
    panel.setAttribute("aria-label", title);
    const header = make("header");
    header.append(make("h2", title));
    if (navigator.clipboard) {
      const copy = make("button", "Copy", { type: "button" });
      copy.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(entries.map((e) => [e.message, placeOf(e), e.stack].filter(Boolean).join("\n")).join("\n\n"));
          copy.textContent = "Copied";
        } catch {
          copy.textContent = "Not allowed here";
        }
      });
      header.append(copy);
    }
    const close = make("button", "Dismiss", { type: "button" });
    close.addEventListener("click", dismiss);
    header.append(close);
    panel.append(header);
    if (text) panel.append(make("p", text));
    const list = make("ol", "", { tabIndex: 0 });
    for (const entry of entries) {
      const item = make("li");
      item.append(make("strong", entry.message));
      if (placeOf(entry)) item.append(make("code", placeOf(entry)));
      if (entry.stack) {
        const details = make("details");
        details.append(make("summary", "Called from"), make("pre", entry.stack));
        item.append(details);
      }
      list.append(item);
    }
    panel.append(list);
    root.replaceChildren(panel);
    if (!host.isConnected) document.documentElement.append(host);
  };

  const showErrors = (errors) => {
    const count = errors.length === 1 ? "An error" : `${errors.length} errors`;
    show(`${count} in this page`, "", errors);
  };

  // --- What is newer ---

  const key = "codeforge-preview"; // in the session's storage while the page loads again, and never seen by the page
  let before = null;
  try {
    before = JSON.parse(sessionStorage.getItem(key));
    sessionStorage.removeItem(key);
  } catch {
    // The page is one without storage.
  }

  const goBackTo = ({ x, y }) => {
    const until = performance.now() + 3000; // what is built late is waited for, but not against the person's own scrolling
    let over = false;
    for (const type of ["wheel", "touchstart", "pointerdown", "keydown"]) {
      window.addEventListener(type, () => { over = true; }, { once: true, passive: true, capture: true });
    }
    const step = () => {
      if (over || performance.now() > until) return;
      const page = document.scrollingElement;
      if (page && page.scrollHeight - window.innerHeight >= y) return scrollTo.call(window, { left: x, top: y, behavior: "instant" });
      requestAnimationFrame.call(window, step);
    };
    window.addEventListener("load", step, { once: true });
  };
  if (before && before.version === version && before.y > 0) goBackTo(before);

  let source, broken;
  const follow = () => {
    if (source || framedBySelf || !version || document.visibilityState === "hidden") return;
    source = new EventSource(own + "events?version=" + encodeURIComponent(version));
    source.addEventListener("built", (event) => {
      const news = JSON.parse(event.data);
      if (news.version === version || (before && news.version === before.version)) return; // one version is tried once
      leave();
      tell("updated", { to: news.revision });
      try {
        sessionStorage.setItem(key, JSON.stringify({ version: news.version, x: window.scrollX, y: window.scrollY }));
      } catch {
        // It begins at its top.
      }
      location.reload();
    });
    source.addEventListener("broken", (event) => {
      const news = JSON.parse(event.data);
      if (news.version === broken) return; // a connection that came back
      broken = news.version;
      tell("broken", { to: news.revision, title: news.title, diagnostics: news.diagnostics });
      show(news.title, news.text, news.diagnostics);
    });
  };
  const leave = () => {
    source?.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? leave() : follow()));
  window.addEventListener("pagehide", () => {
    leave();
    send();
  });
  window.addEventListener("pageshow", follow);

  tell("loaded", {});
})();
