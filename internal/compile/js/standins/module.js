const refuse = (name) => { throw Object.assign(new Error("Cannot find module '" + name + "'"), { code: "MODULE_NOT_FOUND" }); };
const createRequire = () => Object.assign(refuse, { resolve: refuse, cache: {}, extensions: {} });
module.exports = { createRequire, builtinModules: [], register() {}, Module: { _extensions: {}, createRequire } };
