import json
import os

from codeforge import CodeForge, CodeForgeError

cf = CodeForge(os.environ["SERVER"])
out = {}


def tell(what, call, says=None):
    try:
        answer = call()
        out[what] = answer.get("title") or answer["status"]
    except CodeForgeError as e:
        out[what] = says(e)


tell("limited", lambda: cf.projects.archive("limited"))
tell("cut", lambda: cf.projects.get("cut"))
tell("keyed", lambda: cf.agents.run({"project_id": "p", "agent_type": "code"}))
tell("write", lambda: cf.projects.update("write", {"title": "new"}),
     lambda e: "%d %s %s %s %d map[why:%s]" % (e.status, e.code, e, e.request_id, e.retry_after, e.details["why"]))
tell("lost", lambda: cf.projects.update("lost", {"title": "new"}), lambda e: "%d %s" % (e.status, e.code))
tell("long", lambda: cf.projects.get("long"), lambda e: "%d %s %d" % (e.status, e.code, e.retry_after))
tell("same", lambda: cf.projects.get("same", headers={"If-None-Match": '"1"'}), lambda e: "%d %s" % (e.status, e.code))
for what in ("html", "null", "list", "text"):
    tell(what, lambda: cf.projects.update(what, {"title": "new"}), lambda e: "%d %s" % (e.status, e.code))
once = CodeForge(os.environ["SERVER"], retries=1)
for what in ("empty", "page", "dated"):
    tell(what, lambda: once.projects.get(what), lambda e: "%d %s" % (e.status, e.code))
for what in ("rule", "rules"):
    tell(what, lambda: cf.projects.get(what), str)
print(json.dumps(out))
