import { CodeForge, CodeForgeError } from "./client.mjs";

const cf = new CodeForge({ baseUrl: process.env.SERVER });
const out = {};
const tell = async (what, call, says) => {
  try {
    const answer = await call;
    out[what] = answer.title ?? answer.status;
  } catch (e) {
    if (!(e instanceof CodeForgeError)) throw e;
    out[what] = says(e);
  }
};
await tell("limited", cf.projects.archive("limited"));
await tell("cut", cf.projects.get("cut"));
await tell("keyed", cf.agents.run({ project_id: "p", agent_type: "code" }));
await tell("write", cf.projects.update("write", { title: "new" }), (e) => `${e.status} ${e.code} ${e.message} ${e.requestId} ${e.retryAfter} map[why:${e.details.why}]`);
await tell("lost", cf.projects.update("lost", { title: "new" }), (e) => `${e.status} ${e.code}`);
await tell("long", cf.projects.get("long"), (e) => `${e.status} ${e.code} ${e.retryAfter}`);
await tell("same", cf.projects.get("same", { headers: { "If-None-Match": '"1"' } }), (e) => `${e.status} ${e.code}`);
for (const what of ["html", "null", "list", "text"]) await tell(what, cf.projects.update(what, { title: "new" }), (e) => `${e.status} ${e.code}`);
const once = new CodeForge({ baseUrl: process.env.SERVER, retries: 1 });
for (const what of ["empty", "page", "dated"]) await tell(what, once.projects.get(what), (e) => `${e.status} ${e.code}`);
for (const what of ["rule", "rules"]) await tell(what, cf.projects.get(what), (e) => e.message);
console.log(JSON.stringify(out));
