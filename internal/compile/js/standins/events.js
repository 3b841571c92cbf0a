class EventEmitter {
  on(name, f) { const all = this.handlers || (this.handlers = {}); (all[name] || (all[name] = [])).push(f); return this; }
  once(name, f) { const g = (...args) => { this.off(name, g); f(...args); }; return this.on(name, g); }
  off(name, f) { const all = this.handlers || {}; all[name] = (all[name] || []).filter((g) => g !== f); return this; }
  emit(name, ...args) { const list = (this.handlers || {})[name] || []; list.slice().forEach((f) => f.apply(this, args)); return list.length > 0; }
  removeAllListeners() { this.handlers = {}; return this; }
  setMaxListeners() { return this; }
}
EventEmitter.prototype.addListener = EventEmitter.prototype.on;
EventEmitter.prototype.removeListener = EventEmitter.prototype.off;
EventEmitter.EventEmitter = EventEmitter.default = EventEmitter;
module.exports = EventEmitter;
