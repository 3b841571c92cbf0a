// What the run sees of a page and does to it. It runs in a world of its own: the page's scripts cannot see it, and what they made of
// Array, JSON or Date does not reach it.
(() => {
  if (window !== window.top) return; // what is wrong in frames is heard of by other ways
  const words = (s, most = 60) => {
    const t = String(s ?? "").replace(/[\s\u200b\ufeff]+/g, " ").trim();
    return t.length > most ? t.slice(0, most - 1) + "…" : t;
  };
  const attr = (n, name) => Element.prototype.getAttribute.call(n, name);
  const tag = (n) => n.localName ?? "";
  const type = (n) => (tag(n) === "input" ? (attr(n, "type") ?? "text").toLowerCase() : "");

  // Every element, those in open shadow trees too; so many at most.
  const maxElements = 20000;
  const everything = () => {
    const out = [];
    const roots = [document];
    for (let i = 0; i < roots.length && out.length < maxElements; i++) {
      for (const n of roots[i].querySelectorAll("*")) {
        if (out.length >= maxElements) break;
        out.push(n);
        if (n.shadowRoot) roots.push(n.shadowRoot);
      }
    }
    return out;
  };
  const closest = (n, selector) => {
    for (let at = n; at; ) {
      const found = at.closest?.(selector);
      if (found) return found;
      at = at.getRootNode?.().host;
    }
    return null;
  };
  const shown = (n) => {
    if (!n.checkVisibility?.({ opacityProperty: false, visibilityProperty: true })) return false;
    const r = n.getBoundingClientRect();
    return r.width > 0 && r.height > 0;
  };
  const off = (n) => n.matches(":disabled") || attr(n, "aria-disabled") === "true" || closest(n, "[inert]") !== null;

  const roles = { a: "link", button: "button", summary: "disclosure", select: "select", textarea: "field", option: "option" };
  const inputRoles = { checkbox: "checkbox", radio: "radio button", submit: "button", button: "button", reset: "button", image: "button", range: "slider", file: "file field" };
  const role = (n) => {
    const own = attr(n, "role");
    if (own && tag(n) !== "input") return words(own, 20);
    if (tag(n) === "input") return inputRoles[type(n)] ?? "field";
    return roles[tag(n)] ?? (n.isContentEditable ? "field" : "element");
  };
  const byIds = (n, ids) => words((ids ?? "").split(/\s+/).map((id) => (id && n.getRootNode().getElementById?.(id)?.textContent) || "").join(" "));
  const name = (n) => {
    const isField = ["input", "select", "textarea"].includes(tag(n));
    const label = isField ? [...(n.labels ?? [])].map((l) => words(l.innerText)).find(Boolean) : "";
    const face = isField ? (["submit", "button", "reset"].includes(type(n)) ? attr(n, "value") ?? type(n) : "") : n.innerText;
    const picture = n.querySelector?.("img[alt]:not([alt='']), svg title");
    return words(attr(n, "aria-label") || byIds(n, attr(n, "aria-labelledby")) || label || face || attr(n, "placeholder") || attr(n, "title") ||
      (picture && (attr(picture, "alt") || picture.textContent)) || attr(n, "name") || attr(n, "id") || "");
  };
  const describe = (n) => { const w = name(n); return w ? `${role(n)} "${w}"` : `${role(n)} without a name`; };

  // What an element that is no control is called in a finding.
  const element = (n) => {
    const head = tag(n) + (attr(n, "id") ? "#" + words(attr(n, "id"), 30) : "") + [...n.classList].slice(0, 2).map((c) => "." + words(c, 30)).join("");
    const text = words(n.innerText, 30);
    return text ? `<${head}> "${text}"` : `<${head}>`;
  };

  const controlSelector = "a[href], button, summary, select, textarea, input, [contenteditable=''], [contenteditable=true], [onclick], " +
    ["button", "link", "tab", "menuitem", "menuitemcheckbox", "menuitemradio", "switch", "checkbox", "radio", "option", "combobox", "treeitem", "slider"].map((r) => `[role=${r}]`).join(", ");
  const destructive = /\b(delete|remove|clear|reset|erase|destroy|discard|wipe|purge|log ?out|sign ?out|archive|löschen|entfernen|zurücksetzen|supprimer|effacer|eliminar|borrar|elimina|excluir|usuń|verwijder)\b|^[×✕✖🗑️]+$/iu;
  const leaving = /\b(cancel|close|dismiss|back|abbrechen|schließen|annuler|fermer|cancelar|cerrar|annulla|chiudi)\b|^[×✕✖]$/iu;
  const typed = (n) => tag(n) === "textarea" || n.isContentEditable || (tag(n) === "input" && !["checkbox", "radio", "submit", "button", "reset", "image", "file", "hidden"].includes(type(n)));
  const isSubmit = (n) => (tag(n) === "button" && n.type === "submit" && !!n.form) || ["submit", "image"].includes(type(n));

  // A link's place on this site; "": elsewhere. What only moves on the page is none.
  const place = (n) => {
    if (tag(n) !== "a" || attr(n, "target") === "_blank" || n.hasAttribute("download")) return "";
    try {
      const u = new URL(n.href);
      if (u.origin !== location.origin) return "";
      return u.pathname + u.search + (/^#!?\//.test(u.hash) ? u.hash : "");
    } catch { return ""; }
  };
  const here = () => location.pathname + location.search + (/^#!?\//.test(location.hash) ? location.hash : "");
  const foreign = (n) => tag(n) === "a" && !!n.href && !n.href.startsWith(location.origin + "/") && !/^(javascript|blob|data):/i.test(n.href);

  // Changes since the last look.
  let changes = 0;
  const watcher = new MutationObserver((records) => { changes += records.length; });
  addEventListener("beforeprint", () => { changes++; });
  const watched = new WeakSet();
  const watch = () => {
    const all = { childList: true, attributes: true, characterData: true, subtree: true };
    if (!watched.has(document)) { watched.add(document); watcher.observe(document, all); }
    for (const n of everything()) if (n.shadowRoot && !watched.has(n.shadowRoot)) { watched.add(n.shadowRoot); watcher.observe(n.shadowRoot, all); }
  };
  watch();

  const hash = (s) => { let h = 5381; for (let i = 0; i < s.length; i++) h = ((h * 33) ^ s.charCodeAt(i)) >>> 0; return s.length + ":" + h; };
  const stored = (which) => { try { return hash(JSON.stringify(Object.entries(window[which]).sort())); } catch { return ""; } };
  const activeElement = () => { let a = document.activeElement; while (a?.shadowRoot?.activeElement) a = a.shadowRoot.activeElement; return a; };

  const used = new WeakSet();
  let current = null;

  // The state of the page but for its tree: what a control may change besides. That the focus is on what was used, or is lost, is no change.
  let focused = null;
  const state = (before) => {
    const fields = [], media = [], scroll = [scrollX, scrollY];
    for (const n of everything()) {
      if (["input", "textarea", "select"].includes(tag(n))) fields.push(n.value + "\u0001" + n.checked + "\u0001" + n.indeterminate);
      else if (n instanceof HTMLMediaElement) media.push(n.paused + "" + n.muted);
      else if (n.scrollTop || n.scrollLeft) scroll.push(n.scrollTop, n.scrollLeft);
    }
    const active = activeElement();
    if (before) focused = active;
    return JSON.stringify([location.href, history.length, stored("localStorage"), stored("sessionStorage"), hash(document.cookie), hash(fields.join("\u0000")), media, scroll,
      !active || active === focused || active === document.body || active === current || current?.contains(active) ? "" : describe(active),
      !!document.fullscreenElement, document.title]);
  };

  // Where a control can be hit; null: something lies over all of it.
  const hit = (x, y) => {
    let n = document.elementFromPoint(x, y);
    while (n?.shadowRoot) { const inner = n.shadowRoot.elementFromPoint(x, y); if (!inner || inner === n) break; n = inner; }
    return n;
  };
  const belongs = (top, n) => {
    for (let at = top; at; at = at.parentNode ?? at.host) if (at === n) return true;
    return !!top && ["checkbox", "radio"].includes(type(n)) && [...(n.labels ?? [])].some((l) => l.contains(top));
  };
  const aim = (n) => {
    n.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
    const boxes = [...n.getClientRects()].filter((r) => r.width > 0 && r.height > 0);
    if (["checkbox", "radio"].includes(type(n))) for (const l of n.labels ?? []) boxes.push(...l.getClientRects());
    for (const r of boxes) {
      for (const [fx, fy] of [[0.5, 0.5], [0.25, 0.5], [0.75, 0.5], [0.5, 0.2], [0.5, 0.8], [0.1, 0.5], [0.9, 0.5]]) {
        const x = r.left + r.width * fx, y = r.top + r.height * fy;
        if (x >= 0 && y >= 0 && x < innerWidth && y < innerHeight && belongs(hit(x, y), n)) return { x, y };
      }
    }
    return null;
  };

  const rank = (n, words) => {
    const field = typed(n) || tag(n) === "select" || ["checkbox", "radio"].includes(type(n));
    if (field) return 0;
    if (destructive.test(words)) return 5;
    if (place(n) && place(n) !== here()) return 4;
    if (leaving.test(words)) return 3;
    return isSubmit(n) ? 1 : 2;
  };

  // A control that was not used yet: fields first, then what sends them, then the rest, links that leave the page and what destroys last.
  // What is common to all pages is known by its words alone.
  const common = "header, footer, nav, aside, [role=navigation], [role=banner], [role=contentinfo]";
  // With only, those of these keys come once more.
  const next = (seen, only) => {
    watch();
    if (document.fullscreenElement) document.exitFullscreen();
    if (document.pointerLockElement) document.exitPointerLock();
    const known = new Set(seen);
    const modal = [...document.querySelectorAll("dialog:modal, [role=dialog][aria-modal=true], [role=alertdialog]")].filter(shown).pop();
    const count = new Map();
    const candidates = [];
    for (const n of everything()) {
      if (!n.matches(controlSelector) || ["hidden", "file"].includes(type(n)) || foreign(n) || n.readOnly) continue;
      if (tag(n) === "input" && attr(n, "list") === null && closest(n, "[role=combobox]") !== null && closest(n, "[role=combobox]") !== n) continue;
      const label = describe(n);
      const far = place(n) && place(n) !== here() ? place(n) : "";
      let key = far ? "link to " + far : (closest(n, common) && !closest(n, "main") ? "" : here() + " ") + label;
      const nth = (count.get(key) ?? 0) + 1;
      count.set(key, nth);
      if (nth > 1) key += " " + nth;
      if (nth > 2 || (far && nth > 1)) continue;
      if (only ? !only.includes(key) || known.has(key) : known.has(key) || used.has(n)) continue;
      if (off(n) || !shown(n) && !["checkbox", "radio"].includes(type(n))) continue;
      if (modal && !modal.contains(n) && !closest(n, "[role=listbox], [role=menu], [popover]")) continue;
      candidates.push({ n, key, label, far, rank: rank(n, name(n)) });
    }
    candidates.sort((a, b) => a.rank - b.rank);
    const covered = [];
    for (const c of candidates) {
      const at = aim(c.n);
      if (!at) { covered.push(c.label); continue; }
      current = c.n;
      used.add(c.n);
      const kept = ["selected", "checked", "current", "pressed", "expanded"].some((s) => { const v = attr(c.n, "aria-" + s); return v !== null && v !== "false"; });
      return {
        key: c.key, control: c.label, x: at.x, y: at.y, place: c.far, destructive: c.rank === 5,
        kind: tag(c.n) === "select" || ["range", "color", "date", "datetime-local", "time", "month", "week"].includes(type(c.n)) ? "set" : typed(c.n) ? "type" : "click",
        // What may well do nothing when it is used now.
        idle: kept || isSubmit(c.n) || ["checkbox", "radio", "reset"].includes(type(c.n)) || tag(c.n) === "summary" || document.querySelector("canvas") !== null,
      };
    }
    current = null;
    return { key: "", covered: covered.slice(0, 5) };
  };

  // Values to try, the first that the field takes.
  const texts = ["Some words", "Ada", "abc", "Abc12345", "42", "1234", "12345", "AB-1234", "AB12", "2030-05-17", "10:00", "ada@example.org", "https://example.org/", "+15550100", "#336699", "a", "1"];
  const valueFor = (n) => {
    const t = type(n), about = (name(n) + " " + (attr(n, "name") ?? "") + " " + (attr(n, "id") ?? "") + " " + (attr(n, "autocomplete") ?? "")).toLowerCase();
    const first = { email: "ada@example.org", url: "https://example.org/", tel: "+15550100", password: "Correct-Horse-42", color: "#336699", date: "2030-05-17",
      "datetime-local": "2030-05-17T10:00", time: "10:00", month: "2030-05", week: "2030-W20", search: "Some" }[t];
    if (t === "number" || t === "range") {
      const min = parseFloat(attr(n, "min")), max = parseFloat(attr(n, "max"));
      const step = parseFloat(attr(n, "step")) || 1, most = Number.isNaN(max) ? Infinity : max;
      const wanted = t === "range" ? [min || 0, Number.isNaN(max) ? 100 : max].find((v) => String(v) !== n.value)
        : Number.isNaN(min) ? Math.min(step, most) : min + step <= most ? min + step : min;
      return String(wanted);
    }
    const guesses = [first, /mail/.test(about) && "ada@example.org", /phone|tel\b/.test(about) && "+15550100", /url|website|link/.test(about) && "https://example.org/",
      /amount|price|quantity|number|age\b|zip|count|year/.test(about) && "42", /date/.test(about) && "2030-05-17"].filter(Boolean).concat(texts);
    const least = n.minLength > 0 ? n.minLength : 0, most = n.maxLength > 0 ? n.maxLength : Infinity;
    let pattern = null;
    try { if (attr(n, "pattern")) pattern = new RegExp(`^(?:${attr(n, "pattern")})$`, "v"); } catch { pattern = null; }
    for (const g of guesses) {
      const v = g.length < least ? g.padEnd(least, "x") : g.slice(0, most);
      if (!pattern || pattern.test(v)) return v;
    }
    return guesses[0].slice(0, most);
  };
  const setOf = (n) => Object.getOwnPropertyDescriptor(Object.getPrototypeOf(n), "value").set;
  const fill = (kind) => {
    const n = current;
    if (!n) return { text: "" };
    if (kind === "type") {
      if (n.isContentEditable) getSelection().selectAllChildren(n); else n.select?.();
      const alone = !n.form || ![...n.form.elements].some(isSubmit);
      return { text: n.isContentEditable ? "Some words" : valueFor(n), enter: alone && tag(n) !== "textarea" && !n.isContentEditable };
    }
    const value = tag(n) === "select" ? [...n.options].find((o) => !o.disabled && o.value !== n.value)?.value ?? n.value : valueFor(n);
    n.focus();
    if (tag(n) === "select" && n.multiple) { for (const o of n.options) o.selected = o.value === value; } else setOf(n).call(n, value);
    n.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
    n.dispatchEvent(new Event("change", { bubbles: true, composed: true }));
    return { text: "" };
  };

  // Whether something that an element lies in scrolls or hides it: what is positioned leaves out what is between it and what it is
  // positioned to.
  const contained = (n) => {
    let position = getComputedStyle(n).position, anchor = n.offsetParent;
    for (let at = n.parentElement; at && at !== document.body; at = at.parentElement) {
      if (position === "fixed" || (position === "absolute" && at !== anchor)) continue;
      const style = getComputedStyle(at);
      if (style.overflowX !== "visible") return true;
      position = style.position;
      anchor = at.offsetParent;
    }
    return false;
  };

  // What people see of the page.
  const look = () => {
    const body = document.body;
    const painted = everything().some((n) => ["img", "svg", "canvas", "video", "audio", "iframe", "input", "textarea", "select", "button", "progress", "meter", "object", "embed", "hr"].includes(tag(n)) && shown(n)
      || (n !== body && shown(n) && /url\(|gradient\(/.test(getComputedStyle(n).backgroundImage)));
    const text = words(body?.innerText ?? "", 200);
    const root = document.scrollingElement;
    const clipped = root && ["hidden", "clip"].includes(getComputedStyle(document.documentElement).overflowX) || body && ["hidden", "clip"].includes(getComputedStyle(body).overflowX);
    let wide = "";
    if (root && !clipped && root.scrollWidth > innerWidth + 1) {
      const over = everything().filter((n) => {
        if (!shown(n) || n.getBoundingClientRect().right <= innerWidth + 1 || n === body || n === document.documentElement) return false;
        return !contained(n);
      });
      const inner = over.find((n) => !over.some((m) => m !== n && n.contains(m))) ?? over[0];
      wide = inner ? element(inner) : "the page";
    }
    return { empty: !text && !painted, html: document.contentType === "text/html", wide, width: root?.scrollWidth ?? 0 };
  };
  const links = () => [...new Set(everything().map(place).filter((p) => p && p !== here()))];
  const count = () => { changes += watcher.takeRecords().length; const n = changes; changes = 0; return n; };
  // Two pictures that were drawn.
  const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))));
  // axe-core, which is loaded into this world when it is first needed.
  let axeAnswer = null;
  const startAxe = () => {
    axeAnswer = null;
    axe.run(document, { resultTypes: ["violations"], elementRef: true }).then((r) => {
      axeAnswer = r.violations.filter((v) => v.impact === "serious" || v.impact === "critical")
        .map((v) => ({ id: v.id, impact: v.impact, help: v.help, nodes: [...new Set(v.nodes.map((n) => (n.element ? (n.element.matches(controlSelector) ? describe(n.element) : element(n.element)) : "the page")))] }));
    }, () => { axeAnswer = []; });
    return true;
  };
  const hasAxe = () => typeof axe !== "undefined";
  const axeResult = () => axeAnswer;
  globalThis.inspect = { hasAxe, startAxe, axeResult, next, fill, state, look, links, here, count, frames, describe, element };
})();
