import json
import os
import uuid

from codeforge import CodeForge, CodeForgeError

cf = CodeForge(os.environ["SERVER"])
out = {"ids": [], "titles": []}


def seen(event):
    if "id" in event:
        out["ids"].append(event["id"])
        out["last"] = event["type"]


project = cf.projects.create({"title": "A list of tries"})
cf.projects.create({"title": "Another"})
cf.projects.create({"title": "A third"})
job = cf.jobs.run({"project_id": project["id"], "input_context": {"user_message": "A shared shopping list"}}, on_event=seen)
out["done"] = job["status"]
out["titles"] = [p["title"] for p in cf.projects.list(page_size=1)]
try:
    cf.projects.get(str(uuid.uuid4()))
except CodeForgeError as e:
    out.update(code=e.code, status=e.status, named=e.request_id != "")
path = "notes/a file é.bin"
file = cf.files.update(project["id"], path, b"as it is\0")
import base64

out["bytes"] = base64.b64decode(cf.files.get(project["id"], path)["content"]).decode()
try:
    cf.files.update(project["id"], path, {"content": "other"}, if_match=file["version"] + 5)
except CodeForgeError as e:
    out["conflict"] = e.status
for event in cf.projects.watch(project["id"]):
    if event["type"] == "ready":
        break
print(json.dumps(out))
