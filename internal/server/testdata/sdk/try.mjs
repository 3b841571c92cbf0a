import { CodeForge, CodeForgeError } from "./client.mjs";

const cf = new CodeForge({ baseUrl: process.env.SERVER });
const out = { ids: [], titles: [] };
const project = await cf.projects.create({ title: "A list of tries" });
await cf.projects.create({ title: "Another" });
await cf.projects.create({ title: "A third" });
const job = await cf.jobs.run(
  { project_id: project.id, input_context: { user_message: "A shared shopping list" } },
  {
    onEvent: (e) => {
      if (e.id) out.ids.push(e.id), (out.last = e.type);
    },
  },
);
out.done = job.status;
for await (const p of cf.projects.list({ page_size: 1 })) out.titles.push(p.title);
try {
  await cf.projects.get(crypto.randomUUID());
} catch (e) {
  if (e instanceof CodeForgeError) Object.assign(out, { code: e.code, status: e.status, named: e.requestId !== "" });
}
const path = "notes/a file é.bin";
const file = await cf.files.update(project.id, path, new TextEncoder().encode("as it is\0"));
out.bytes = atob((await cf.files.get(project.id, path)).content);
try {
  await cf.files.update(project.id, path, { content: "other" }, { ifMatch: file.version + 5 });
} catch (e) {
  out.conflict = e.status;
}
const leave = new AbortController();
try {
  for await (const e of cf.projects.watch(project.id, { signal: leave.signal })) if (e.type === "ready") leave.abort(new Error("left"));
} catch (e) {
  if (e.message !== "left") throw e;
}
console.log(JSON.stringify(out));
