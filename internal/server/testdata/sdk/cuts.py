"""Reads a log of events over connections that are cut after every byte of it, and leaves streams that others wait for."""
import asyncio
import io
import json
import os
import threading

import codeforge

log, wrong = os.environ["LOG"].encode(), []
codeforge._backoff = lambda n: 0.001


class Answer(io.BytesIO):
    status = 200


class Cut(codeforge.Core):
    def __init__(self, at):
        super().__init__("http://nowhere.test", None, 0, 1, 1)
        self.at, self.connections = at, 0

    def open(self, method, path, *, headers, **_):
        self.connections += 1
        if self.connections == 1:
            return Answer(log[: self.at])
        last = headers.get("Last-Event-ID", "").encode()
        return Answer(log[log.index(b"\n\n", log.index(b"id: %s\n" % last)) + 2 :] if last else log)


for cut in range(len(log)):
    seen = ["%s %s" % (e["id"], e["type"]) for e in codeforge.Jobs(Cut(cut)).watch("j") if "id" in e]
    if ",".join(seen) != os.environ["SEEN"]:
        wrong.append("cut after %d bytes: %s" % (cut, seen))

# A stream that nothing comes over ends when it is closed, or when who waits for it is cancelled.
cf = codeforge.CodeForge(os.environ["SERVER"])
stream, ended = cf.projects.watch("silent"), threading.Event()
first = next(stream)
reader = threading.Thread(target=lambda: (list(stream), ended.set()), daemon=True)
reader.start()
stream.close()
if not ended.wait(20):
    wrong.append("a closed stream is still read")


async def leave():
    live = asyncio.Event()

    async def watch():
        async for _ in codeforge.AsyncCodeForge(os.environ["SERVER"]).projects.watch("silent"):
            live.set()

    task = asyncio.create_task(watch())
    await live.wait()
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
        wrong.append("what was cancelled went on")
    except asyncio.CancelledError:
        pass


asyncio.run(leave())  # waits for its threads
print(json.dumps(wrong))
