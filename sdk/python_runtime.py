"""Client of CodeForge's API: jobs of agents, versioned files, event streams that go on where they broke.

One file, standard library only. Made from the OpenAPI document by `make docs`: changes to codeforge.py are lost.

    from codeforge import CodeForge
    cf = CodeForge("http://127.0.0.1:8000")
    project = cf.projects.create({"title": "A CRM for dog walkers"})
    job = cf.jobs.run({"project_id": project["id"], "input_context": {"user_message": project["title"]}})

AsyncCodeForge has the same methods for asyncio; each call runs in a thread.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import random
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any, AsyncIterator, BinaryIO, Callable, Dict, Generic, Iterator, List, Literal, Mapping, Optional, TypedDict, TypeVar, Union

__version__ = "VERSION"

T = TypeVar("T")

Upload = Union[str, bytes, bytearray, memoryview, BinaryIO]
"""A body that is sent as it is. A file is read whole."""


class CodeForgeError(Exception):
    """An error of the API, or of the way to it (status 0)."""

    def __init__(self, message: str, status: int, code: str, details: Optional[Dict[str, Any]] = None, request_id: str = "", retry_after: Optional[float] = None):
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details or {}
        self.request_id = request_id
        self.retry_after = retry_after  # seconds


class JobError(Exception):
    """A job that ended as failed or cancelled, or that asks what nobody answers."""

    def __init__(self, message: str, job_id: str, data: Mapping[str, Any]):
        super().__init__(message)
        self.job_id = job_id
        self.status: str = data["status"]
        self.data = data  # what its last event said


class StoredEvent(TypedDict):
    """An event that is stored: a reader that comes back with its id gets what followed it."""

    id: str


class PassingEvent(TypedDict):
    """An event for those who watch at that moment, such as words as they are written: it has no id."""


_PAIRED = {"progress", "complete", "error", "cancelled", "waiting"}
_FINAL = {"complete", "error", "cancelled"}
_LASTING = 10.0  # seconds: a connection that stood so long was a good one, whatever came over it


def _backoff(n: int) -> float:
    return min(0.5 * 2**n, 15.0) * random.uniform(0.5, 1.0)


def _part(value: Any, slashes: bool = False) -> str:
    return urllib.parse.quote(str(value), safe="/" if slashes else "")


def _query(values: Optional[Mapping[str, Any]]) -> str:
    pairs = [(k, str(v).lower() if isinstance(v, bool) else str(v)) for k, v in (values or {}).items() if v is not None]
    return "?" + urllib.parse.urlencode(pairs) if pairs else ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:  # a token goes to nobody else
        return None


class Core:
    """What every call shares."""

    def __init__(self, base_url: str, token: Union[str, Callable[[], Optional[str]], None], retries: int, timeout: float, idle_timeout: float):
        self.base_url = base_url.rstrip("/")
        self.token = token
        self.retries = retries
        self.timeout = timeout
        self.idle_timeout = idle_timeout
        self._consistency: Optional[str] = None
        self._opener = urllib.request.build_opener(_NoRedirect)

    def open(self, method: str, path: str, *, query: Optional[Mapping[str, Any]] = None, body: Any = None, headers: Optional[Mapping[str, str]] = None,
             keyed: bool = False, idempotency_key: Optional[str] = None, if_match: Union[str, int, None] = None, content_type: Optional[str] = None,
             accept: str = "application/json", timeout: Optional[float] = None, take: Callable[[Any], Any] = lambda response: response) -> Any:
        """Sends a request, again where that is safe, and returns what is taken of the answer; an answer that breaks off is none."""
        send: Dict[str, str] = {"Accept": accept, **(headers or {})}
        if if_match is not None:
            send["If-Match"] = if_match if isinstance(if_match, str) and if_match.startswith('"') else '"%s"' % if_match
        key = idempotency_key or (str(uuid.uuid4()) if keyed else None)
        if key:
            send["Idempotency-Key"] = key
        data: Optional[bytes] = None
        if isinstance(body, (dict, list)):
            data = json.dumps(body).encode()
            send["Content-Type"] = "application/json"
        elif body is not None:
            given = body.read() if hasattr(body, "read") else body
            data = given.encode() if isinstance(given, str) else bytes(memoryview(given))
            send["Content-Type"] = content_type or "application/octet-stream"
        repeatable = method == "GET" or key is not None
        n = 0
        while True:
            token = self.token() if callable(self.token) else self.token
            if token:
                send["Authorization"] = "Bearer " + token
            if self._consistency:
                send["X-Consistency-Token"] = self._consistency
            request = urllib.request.Request(self.base_url + path + _query(query), data=data, headers=send, method=method)
            try:
                response = self._opener.open(request, timeout=timeout or self.timeout)
                self._consistency = response.headers.get("X-Consistency-Token") or self._consistency
                return take(response)
            except urllib.error.HTTPError as e:
                error = _failure(e)
                # A request too many was not carried out, whatever it was. Of the others only the server knows.
                again = error.status == 429 or (repeatable and error.status in (502, 503, 504))
                if not again or n >= self.retries or (error.retry_after or 0) > 60:
                    raise error from None
                pause = error.retry_after if error.retry_after is not None else _backoff(n)
            except (OSError, http.client.HTTPException) as e:
                if not repeatable or n >= self.retries:
                    raise CodeForgeError("No whole answer came: %s" % e, 0, "NETWORK_ERROR") from e
                pause = _backoff(n)
            n += 1
            time.sleep(pause)

    def call(self, method: str, path: str, **options: Any) -> Any:
        return self.open(method, path, take=_json_of, **options)

    def read(self, method: str, path: str, **options: Any) -> bytes:
        return self.open(method, path, take=_all_of, **options)

    def stream(self, path: str, ends: bool, after: str = "", patience: float = 600.0) -> Stream[Any]:
        return Stream(lambda stream: self._events(stream, path, ends, after, patience))

    def _events(self, stream: Stream[Any], path: str, ends: bool, after: str, patience: float) -> Iterator[Any]:
        """Reads an event stream, and goes on where it broke, until it has ended, the caller leaves, or nothing came for long.

        Each stored event comes once, in order. Five kinds of events of a job come twice, named without an id and then with it without a name; they are one here.
        """
        last, broken, heard = after, 0, time.monotonic()
        while True:
            live, trouble = 0.0, CodeForgeError("The stream breaks again and again", 0, "NETWORK_ERROR")
            try:
                with self.open("GET", path, accept="text/event-stream", timeout=self.idle_timeout, headers={"Last-Event-ID": last} if last else {}) as response:
                    if response.status == 204:
                        return  # all was seen
                    stream._response = response
                    if stream._closed.is_set():
                        return
                    live = time.monotonic()
                    pending: Optional[Dict[str, Any]] = None
                    for name, number, text in _frames(response):
                        event: Optional[Dict[str, Any]] = None
                        if not name and number and pending:
                            event = {**pending, "id": number}
                            pending = None
                        elif name in _PAIRED and not number:
                            pending = {"type": name, "data": json.loads(text)}
                        elif name:
                            event = {"type": name, "data": json.loads(text)}
                            if number:
                                event["id"] = number
                        if event is None:
                            continue
                        if event["type"] == "dropped":
                            break  # the server ends the stream, which goes on from the last event
                        if "id" in event:
                            last, broken, heard = event["id"], 0, time.monotonic()
                        yield event
                        if ends and event["type"] in _FINAL:
                            return
            except CodeForgeError as e:
                if 400 <= e.status < 500 and e.status != 429:
                    raise
                trouble = e
            except (OSError, http.client.HTTPException, ValueError) as e:  # cut, or silent for too long
                trouble = CodeForgeError("%s: %s" % (trouble, e), 0, trouble.code)
            finally:
                stream._response = None
            if live and time.monotonic() - live > _LASTING:
                heard = time.monotonic()
            if time.monotonic() - heard > patience:
                raise trouble
            if stream._closed.wait(_backoff(broken)):
                return
            broken += 1


def _all_of(response: Any) -> bytes:
    with response:
        return response.read()


def _json_of(response: Any) -> Any:
    if response.status == 204:
        return None
    try:
        return json.loads(_all_of(response))
    except ValueError as e:  # something between here and the server answered
        raise http.client.HTTPException("it is no JSON: %s" % e) from e


class Stream(Generic[T]):
    """Events, as they come. close() ends them, while another thread waits for the next one too."""

    def __init__(self, begin: Callable[[Stream[T]], Iterator[T]]):
        self._closed = threading.Event()
        self._response: Any = None
        self._steps: Any = begin(self)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        return next(self._steps)

    def close(self) -> None:
        self._closed.set()
        response = self._response
        try:
            self._steps.close()
        except ValueError:  # another thread is in it, and waits for bytes as a rule
            try:
                with socket.fromfd(response.fileno(), socket.AF_INET, socket.SOCK_STREAM) as same:
                    same.shutdown(socket.SHUT_RDWR)
            except (AttributeError, OSError, ValueError):
                pass  # it waits for nothing, and sees that it is closed


def _failure(e: urllib.error.HTTPError) -> CodeForgeError:
    with e:
        try:
            said = json.loads(e.read(1 << 20))
        except (ValueError, OSError, http.client.HTTPException):
            said = {}
    if not isinstance(said, dict):  # something between here and the server answered
        said = {}
    if not isinstance(said.get("details"), dict):
        said["details"] = {}
    try:
        after: Optional[float] = float(e.headers.get("Retry-After", ""))
    except ValueError:
        after = None
    return CodeForgeError(_words(said) or ("%d %s" % (e.code, e.reason)).strip(), e.code, said.get("error", "NOT_MODIFIED" if e.code == 304 else "UNKNOWN"), said.get("details"),
                          said.get("request_id") or e.headers.get("X-Request-ID", ""), after)


def _words(said: Dict[str, Any]) -> str:
    """What an answer says went wrong, with the rules that a request breaks: a message alone does not name them."""
    details = said["details"]
    broken = details.get("errors")
    why = "; ".join("%s: %s" % (b.get("field"), b.get("message")) for b in broken) if isinstance(broken, list) else details.get("reason")
    return ": ".join(s for s in (said.get("message"), why) if isinstance(s, str) and s)


def _frames(response: Any) -> Iterator[tuple]:
    """Cuts a body into frames of server-sent events. A frame that is not whole at its end is none."""
    name, number, data = "", "", []  # type: ignore[var-annotated]
    for raw in response:
        if not raw.endswith(b"\n"):
            return
        line = raw.decode("utf-8").rstrip("\r\n")
        if not line:
            if data:
                yield name, number, "\n".join(data)
            name, number, data = "", "", []
            continue
        field, _, text = line.partition(":")
        text = text[1:] if text.startswith(" ") else text
        if field == "event":
            name = text
        elif field == "id":
            number = text
        elif field == "data":
            data.append(text)


class Pages(Generic[T]):
    """A list: first() is its first page, iterated it is all items of all pages, which are fetched as they are needed."""

    def __init__(self, core: Core, path: str, query: Dict[str, Any], options: Dict[str, Any]):
        self._core, self._path, self._given, self._options = core, path, query, options

    def first(self) -> Dict[str, Any]:
        return self._core.call("GET", self._path, query=self._given, **self._options)

    def __iter__(self) -> Iterator[T]:
        page = self.first()
        while True:
            yield from page["items"]
            if not page["has_more"]:
                return
            more: Dict[str, Any]
            if "page" in page:
                more = {"page": page["page"] + 1}
            elif "next_cursor" in page:
                more = {"cursor": page["next_cursor"]}
            else:
                more = {"before": page.get("next_before") or page["items"][-1]["id"]}
            page = self._core.call("GET", self._path, query={**self._given, **more}, **self._options)


class _Group:
    def __init__(self, core: Core):
        self._core = core


# The types and methods of the API.
