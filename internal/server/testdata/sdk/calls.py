"""Makes the calls of calls.json, in order, and says what of them is not as it should be."""
import base64
import json
import keyword
import os

from codeforge import CodeForge, CodeForgeError

cf = CodeForge(os.environ["SERVER"], token=os.environ.get("TOKEN"))
saved, wrong = {}, []


def fill(v):
    if isinstance(v, str):
        return saved.get(v[1:], "") if v.startswith("$") else v
    if isinstance(v, list):
        return [fill(x) for x in v]
    if not isinstance(v, dict):
        return v
    if "$upload" in v:
        return base64.b64decode(v["$upload"])
    if "$kept" in v:
        return saved[v["$kept"]]
    return {saved[k[1:]] if k.startswith("$") else k: fill(x) for k, x in v.items()}


for c in json.loads(os.environ["CALLS"]):
    group, name = c["call"].split(".")
    method = getattr(getattr(cf, group), name)
    named = {**fill(c.get("query", {})), **fill(c.get("options", {}))}
    args, named = fill(c.get("args", [])), {k + "_" if keyword.iskeyword(k) else k: v for k, v in named.items()}
    try:
        if "until" in c:
            answer = next(e for e in method(*args, **named) if e["type"] == c["until"])
        elif "items" in c:
            answer = method(*args, **named).first()
            if (n := len(list(method(*args, **named)))) < c["items"]:
                wrong.append("%s: %d items" % (c["call"], n))
        else:
            answer = method(*args, **named)
        if "bytes" in c and len(answer) < c["bytes"]:
            wrong.append("%s: %d bytes" % (c["call"], len(answer)))
        if "keep" in c:
            saved[c["keep"]] = answer
        if "fails" in c:
            wrong.append("%s: did not fail: %s" % (c["call"], answer))
        for saved_as, path in c.get("save", {}).items():
            for key in path.split("."):
                answer = answer[int(key) if key.isdigit() else key]
            saved[saved_as] = answer
    except (CodeForgeError, StopIteration) as e:
        if not isinstance(e, CodeForgeError) or e.code != c.get("fails") or not e.request_id or not isinstance(e.details, dict):
            wrong.append("%s: %r %s" % (c["call"], e, getattr(e, "details", "")))
print(json.dumps(wrong))
