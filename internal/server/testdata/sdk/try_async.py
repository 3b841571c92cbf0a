import asyncio
import base64
import json
import os
import uuid

from codeforge import AsyncCodeForge, CodeForgeError


async def main():
    cf = AsyncCodeForge(os.environ["SERVER"])
    out = {"ids": [], "titles": []}
    project = await cf.projects.create({"title": "A list of tries"})
    await asyncio.gather(cf.projects.create({"title": "Another"}), cf.projects.create({"title": "A third"}))
    begun = await cf.agents.run_pipeline({"project_id": project["id"], "input_context": {"user_message": "A shared shopping list"}})
    async for event in cf.jobs.watch(begun["job_id"]):
        if "id" in event:
            out["ids"].append(event["id"])
            out["last"] = event["type"]
    out["done"] = (await cf.jobs.get(begun["job_id"]))["status"]
    async for p in cf.projects.list(page_size=1):
        out["titles"].append(p["title"])
    try:
        await cf.projects.get(str(uuid.uuid4()))
    except CodeForgeError as e:
        out.update(code=e.code, status=e.status, named=e.request_id != "")
    path = "notes/a file é.bin"
    file = await cf.files.update(project["id"], path, b"as it is\0")
    out["bytes"] = base64.b64decode((await cf.files.get(project["id"], path))["content"]).decode()
    try:
        await cf.files.update(project["id"], path, {"content": "other"}, if_match=file["version"] + 5)
    except CodeForgeError as e:
        out["conflict"] = e.status
    print(json.dumps(out))


asyncio.run(main())
