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

__version__ = "0.1.0"

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

_AgentRequestMust = TypedDict("_AgentRequestMust", {
    "agent_type": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap']",
    "project_id": "str",
})

_AgentRequestMay = TypedDict("_AgentRequestMay", {
    "apply": "Literal['auto', 'review']",
    "if_busy": "Literal['queue', 'reject', 'cancel_running']",
    "input_context": "Dict[str, Any]",
}, total=False)


class AgentRequest(_AgentRequestMust, _AgentRequestMay):
    pass


_AgentResponseMust = TypedDict("_AgentResponseMust", {
    "estimated_time": "str",
    "job_id": "str",
    "status": "Literal['queued', 'running', 'waiting_for_input', 'completed', 'cancelled']",
    "stream_url": "str",
})

_AgentResponseMay = TypedDict("_AgentResponseMay", {
    "estimate": "Estimate",
}, total=False)


class AgentResponse(_AgentResponseMust, _AgentResponseMay):
    pass


Alive = TypedDict("Alive", {
    "status": "Literal['alive']",
})

_AnswerPartMust = TypedDict("_AnswerPartMust", {
    "kind": "Literal['text', 'reasoning', 'refusal', 'tool_call']",
    "text": "str",
})

_AnswerPartMay = TypedDict("_AnswerPartMay", {
    "name": "str",
}, total=False)


class AnswerPart(_AnswerPartMust, _AnswerPartMay):
    pass


AnswerSet = TypedDict("AnswerSet", {
    "answers": "List[Dict[str, Any]]",
    "responses": "List[ResponseEntry]",
}, total=False)

Applied = TypedDict("Applied", {
    "diagnostics": "List[Diagnostic]",
    "job_id": "str",
    "message": "str",
    "revision": "int",
    "status": "Literal['completed', 'failed', 'cancelled']",
    "verified": "bool",
})

ApplyRequest = TypedDict("ApplyRequest", {
    "paths": "List[str]",
    "resolve": "Dict[str, Any]",
}, total=False)

Archived = TypedDict("Archived", {
    "message": "str",
    "project_id": "str",
})

Budget = TypedDict("Budget", {
    "id": "str",
    "limit_micro_usd": "int",
    "reserved_micro_usd": "int",
    "scope": "Literal['job', 'project_day', 'project_month', 'user_day', 'user_month']",
    "spent_micro_usd": "int",
})

BudgetList = TypedDict("BudgetList", {
    "items": "List[Budget]",
    "unpriced_models": "List[str]",
})

_BudgetUpdateMust = TypedDict("_BudgetUpdateMust", {
    "scope": "Literal['job', 'project_day', 'project_month', 'user_day', 'user_month']",
})

_BudgetUpdateMay = TypedDict("_BudgetUpdateMay", {
    "id": "str",
    "limit_micro_usd": "Union[int, None]",
    "limit_usd": "Union[float, None]",
}, total=False)


class BudgetUpdate(_BudgetUpdateMust, _BudgetUpdateMay):
    pass


_CallAnswerMust = TypedDict("_CallAnswerMust", {
    "call": "int",
    "error_code": "Union[str, None]",
    "finish_reason": "Union[str, None]",
    "job_id": "str",
    "model": "str",
    "parts": "List[AnswerPart]",
})

_CallAnswerMay = TypedDict("_CallAnswerMay", {
    "refusal": "str",
}, total=False)


class CallAnswer(_CallAnswerMust, _CallAnswerMay):
    pass


CallList = TypedDict("CallList", {
    "count": "int",
    "has_more": "bool",
    "items": "List[ModelCall]",
    "job_id": "str",
    "next_cursor": "Union[str, None]",
})

_CallRetryDataMust = TypedDict("_CallRetryDataMust", {
    "attempt": "int",
    "kind": "str",
    "model": "str",
    "next": "Literal['retry', 'fallback', '']",
    "provider": "str",
    "reason": "str",
    "stage": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
    "status": "int",
    "wait_ms": "int",
})

_CallRetryDataMay = TypedDict("_CallRetryDataMay", {
    "cost_micro_usd": "int",
    "own_key": "bool",
    "skipped": "str",
}, total=False)


class CallRetryData(_CallRetryDataMust, _CallRetryDataMay):
    pass


Cancelled = TypedDict("Cancelled", {
    "job_id": "str",
    "message": "str",
    "status": "Literal['cancelled']",
})

_CheckMust = TypedDict("_CheckMust", {
    "ms": "float",
    "name": "str",
    "state": "Literal['ok', 'degraded', 'failing']",
})

_CheckMay = TypedDict("_CheckMay", {
    "message": "str",
}, total=False)


class Check(_CheckMust, _CheckMay):
    pass


_CheckDataMust = TypedDict("_CheckDataMust", {
    "count": "int",
    "diagnostics": "List[JobDiagnostic]",
    "ok": "bool",
    "stage": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
})

_CheckDataMay = TypedDict("_CheckDataMay", {
    "evidence": "List[Rung]",
}, total=False)


class CheckData(_CheckDataMust, _CheckDataMay):
    pass


ChoiceFramework = TypedDict("ChoiceFramework", {
    "context": "str",
    "options": "List[ChoiceOption]",
    "recommendation": "str",
    "usage": "Dict[str, Any]",
})

ChoiceOption = TypedDict("ChoiceOption", {
    "cons": "List[str]",
    "description": "str",
    "difficulty": "Literal['beginner', 'intermediate', 'advanced']",
    "educational_value": "str",
    "estimated_time": "str",
    "id": "str",
    "pros": "List[str]",
    "title": "str",
})

ChoiceRecorded = TypedDict("ChoiceRecorded", {
    "message": "str",
    "module_index": "int",
    "option_id": "str",
})

ChoiceRequest = TypedDict("ChoiceRequest", {
    "decision_context": "str",
    "module_index": "int",
})

_ClarifyRequestMust = TypedDict("_ClarifyRequestMust", {
    "job_id": "str",
})

_ClarifyRequestMay = TypedDict("_ClarifyRequestMay", {
    "answers": "List[Dict[str, Any]]",
    "responses": "List[ResponseEntry]",
}, total=False)


class ClarifyRequest(_ClarifyRequestMust, _ClarifyRequestMay):
    pass


_CompleteDataMust = TypedDict("_CompleteDataMust", {
    "job_id": "str",
    "progress": "float",
    "status": "Literal['queued', 'running', 'waiting_for_input', 'completed', 'failed', 'cancelled']",
})

_CompleteDataMay = TypedDict("_CompleteDataMay", {
    "result": "Any",
}, total=False)


class CompleteData(_CompleteDataMust, _CompleteDataMay):
    pass


ConflictData = TypedDict("ConflictData", {
    "base": "int",
    "conflicts": "List[ConflictPlace]",
    "revision": "int",
})

_ConflictPlaceMust = TypedDict("_ConflictPlaceMust", {
    "job": "Union[str, None]",
    "path": "str",
    "people": "Union[str, None]",
})

_ConflictPlaceMay = TypedDict("_ConflictPlaceMay", {
    "before": "str",
    "beside": "str",
    "line": "int",
}, total=False)


class ConflictPlace(_ConflictPlaceMust, _ConflictPlaceMay):
    pass


CostRange = TypedDict("CostRange", {
    "p50": "Union[int, None]",
    "p90": "Union[int, None]",
})

DeliveryList = TypedDict("DeliveryList", {
    "has_more": "bool",
    "items": "List[WebhookDelivery]",
})

DeltaData = TypedDict("DeltaData", {
    "stage": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
    "text": "str",
})

Diagnosis = TypedDict("Diagnosis", {
    "findings": "List[Finding]",
})

_DiagnosticMust = TypedDict("_DiagnosticMust", {
    "column": "int",
    "file": "str",
    "line": "int",
    "message": "str",
    "severity": "Literal['error', 'warning']",
})

_DiagnosticMay = TypedDict("_DiagnosticMay", {
    "control": "str",
    "page": "str",
    "rung": "Literal['parse', 'resolve', 'types', 'bundle', 'run']",
}, total=False)


class Diagnostic(_DiagnosticMust, _DiagnosticMay):
    pass


DiffCounts = TypedDict("DiffCounts", {
    "added": "int",
    "additions": "int",
    "binary": "int",
    "deleted": "int",
    "deletions": "int",
    "modified": "int",
    "renamed": "int",
})

DiffHunk = TypedDict("DiffHunk", {
    "lines": "List[DiffLine]",
    "new_start": "int",
    "old_start": "int",
})

DiffLine = TypedDict("DiffLine", {
    "kind": "Literal['context', 'add', 'delete']",
    "text": "str",
})

_DroppedDataMust = TypedDict("_DroppedDataMust", {
    "reason": "str",
})

_DroppedDataMay = TypedDict("_DroppedDataMay", {
    "job_id": "str",
    "project_id": "str",
}, total=False)


class DroppedData(_DroppedDataMust, _DroppedDataMay):
    pass


_ErrorMust = TypedDict("_ErrorMust", {
    "details": "Dict[str, Any]",
    "error": "str",
    "message": "str",
    "request_id": "str",
})

_ErrorMay = TypedDict("_ErrorMay", {
    "detail": "str",
    "trace_id": "str",
}, total=False)


class Error(_ErrorMust, _ErrorMay):
    pass


Estimate = TypedDict("Estimate", {
    "agent_type": "str",
    "basis": "Literal['history', 'catalog']",
    "cost_estimated": "bool",
    "cost_micro_usd": "CostRange",
    "duration_ms": "Quantiles",
    "jobs": "int",
    "model": "str",
    "tokens": "Quantiles",
})

_FileMust = TypedDict("_FileMust", {
    "created_at": "str",
    "id": "str",
    "language": "str",
    "path": "str",
    "project_id": "str",
    "revision": "int",
    "size": "int",
    "updated_at": "str",
    "version": "int",
})

_FileMay = TypedDict("_FileMay", {
    "content": "str",
    "encoding": "Literal['base64']",
    "hash": "str",
}, total=False)


class File(_FileMust, _FileMay):
    pass


FileBody = TypedDict("FileBody", {
    "content": "str",
    "encoding": "Literal['base64']",
    "language": "str",
    "path": "str",
}, total=False)

_FileDataMust = TypedDict("_FileDataMust", {
    "action": "Literal['created', 'updated', 'deleted', 'merged', 'restored']",
    "added": "int",
    "bytes": "int",
    "language": "str",
    "lines": "int",
    "path": "str",
    "removed": "int",
})

_FileDataMay = TypedDict("_FileDataMay", {
    "moved_from": "str",
    "moved_to": "str",
}, total=False)


class FileData(_FileDataMust, _FileDataMay):
    pass


FileDeleted = TypedDict("FileDeleted", {
    "message": "str",
    "path": "str",
})

FileDeltaData = TypedDict("FileDeltaData", {
    "offset": "int",
    "path": "str",
    "stage": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
    "text": "str",
    "tool": "Literal['write_file', 'edit_file']",
})

_FileDiffMust = TypedDict("_FileDiffMust", {
    "additions": "int",
    "deletions": "int",
    "hunks": "List[DiffHunk]",
    "new_version": "Union[int, None]",
    "old_path": "Union[str, None]",
    "old_version": "Union[int, None]",
    "path": "str",
    "status": "Literal['added', 'modified', 'deleted', 'renamed']",
    "too_large": "bool",
    "unified": "str",
})

_FileDiffMay = TypedDict("_FileDiffMay", {
    "binary": "str",
}, total=False)


class FileDiff(_FileDiffMust, _FileDiffMay):
    pass


FileList = TypedDict("FileList", {
    "count": "int",
    "files": "List[File]",
    "project_id": "str",
    "revision": "int",
})

_FileUpdateMust = TypedDict("_FileUpdateMust", {
    "content": "str",
})

_FileUpdateMay = TypedDict("_FileUpdateMay", {
    "encoding": "Literal['base64']",
    "language": "str",
}, total=False)


class FileUpdate(_FileUpdateMust, _FileUpdateMay):
    pass


Finding = TypedDict("Finding", {
    "message": "str",
    "part": "str",
    "state": "Literal['ok', 'warning', 'broken']",
    "title": "str",
})

_FindingDataMust = TypedDict("_FindingDataMust", {
    "category": "str",
    "description": "str",
    "file": "str",
    "file_path": "str",
    "id": "str",
    "line": "int",
    "line_hint": "int",
    "message": "str",
    "round": "int",
    "severity": "Literal['critical', 'high', 'medium', 'low']",
    "stage": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
    "suggestion": "str",
})

_FindingDataMay = TypedDict("_FindingDataMay", {
    "reason": "str",
    "status": "str",
}, total=False)


class FindingData(_FindingDataMust, _FindingDataMay):
    pass


GitHubExport = TypedDict("GitHubExport", {
    "branch": "str",
    "clone_url": "str",
    "commit_sha": "str",
    "created": "bool",
    "default_branch": "str",
    "files_exported": "int",
    "files_pushed": "int",
    "files_uploaded": "int",
    "owner": "str",
    "pull_request_url": "Union[str, None]",
    "repo_name": "str",
    "repo_url": "str",
    "repository_url": "str",
    "revision": "int",
    "summary": "str",
})

_GitHubExportRequestMust = TypedDict("_GitHubExportRequestMust", {
    "github_token": "str",
    "repo_name": "str",
})

_GitHubExportRequestMay = TypedDict("_GitHubExportRequestMay", {
    "commit_message": "str",
    "description": "str",
    "on_existing": "Literal['auto', 'fast_forward', 'pull_request', 'refuse']",
    "owner": "str",
    "private": "bool",
}, total=False)


class GitHubExportRequest(_GitHubExportRequestMust, _GitHubExportRequestMay):
    pass


_GitHubImportRequestMust = TypedDict("_GitHubImportRequestMust", {
    "repository": "str",
})

_GitHubImportRequestMay = TypedDict("_GitHubImportRequestMay", {
    "github_token": "str",
    "ref": "str",
}, total=False)


class GitHubImportRequest(_GitHubImportRequestMust, _GitHubImportRequestMay):
    pass


_GuardDataMust = TypedDict("_GuardDataMust", {
    "action": "Literal['refused', 'objected', 'noted', 'ended']",
    "guard": "Literal['placeholder', 'shrink', 'deletion', 'secret', 'loop', 'instructions', 'bound']",
    "message": "str",
    "stage": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
})

_GuardDataMay = TypedDict("_GuardDataMay", {
    "path": "str",
}, total=False)


class GuardData(_GuardDataMust, _GuardDataMay):
    pass


Health = TypedDict("Health", {
    "dependencies": "Dict[str, Any]",
    "model": "str",
    "service": "str",
    "status": "Literal['healthy', 'degraded']",
    "version": "str",
})

_ImportedMust = TypedDict("_ImportedMust", {
    "bytes": "int",
    "created": "int",
    "deleted": "int",
    "files": "int",
    "format": "Literal['zip', 'tar', 'tar.gz']",
    "kept": "int",
    "left_out": "List[LeftOut]",
    "left_out_more": "int",
    "message": "str",
    "mode": "Literal['merge', 'replace']",
    "project_id": "str",
    "revision": "int",
    "unchanged": "int",
    "updated": "int",
})

_ImportedMay = TypedDict("_ImportedMay", {
    "top_folder": "str",
}, total=False)


class Imported(_ImportedMust, _ImportedMay):
    pass


JobData = TypedDict("JobData", {
    "agent_type": "str",
    "at": "str",
    "job_id": "str",
    "project_id": "str",
    "status": "Literal['queued', 'running', 'waiting_for_input', 'completed', 'failed', 'cancelled']",
})

_JobDetailMust = TypedDict("_JobDetailMust", {
    "agent_type": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
    "apply": "Literal['auto', 'review']",
    "base_revision": "Union[int, None]",
    "clarification_data": "Any",
    "completed_at": "Union[str, None]",
    "cost_estimated": "bool",
    "cost_micro_usd": "Union[int, None]",
    "created_at": "str",
    "error": "Union[str, None]",
    "input_context": "Any",
    "job_id": "str",
    "progress": "float",
    "project_id": "str",
    "result": "Any",
    "retry_of": "Union[str, None]",
    "revision": "Union[int, None]",
    "started_at": "Union[str, None]",
    "status": "Literal['queued', 'running', 'waiting_for_input', 'completed', 'failed', 'cancelled']",
    "updated_at": "str",
    "user_id": "str",
})

_JobDetailMay = TypedDict("_JobDetailMay", {
    "proposal": "Proposal",
    "queue": "QueueState",
}, total=False)


class JobDetail(_JobDetailMust, _JobDetailMay):
    pass


_JobDiagnosticMust = TypedDict("_JobDiagnosticMust", {
    "column": "int",
    "file": "str",
    "line": "int",
    "message": "str",
    "severity": "Literal['error', 'warning']",
})

_JobDiagnosticMay = TypedDict("_JobDiagnosticMay", {
    "control": "str",
    "guard": "str",
    "page": "str",
    "preexisting": "bool",
    "rung": "Literal['parse', 'resolve', 'types', 'bundle', 'run']",
}, total=False)


class JobDiagnostic(_JobDiagnosticMust, _JobDiagnosticMay):
    pass


_JobFailureMust = TypedDict("_JobFailureMust", {
    "error": "str",
    "job_id": "str",
    "status": "Literal['failed']",
})

_JobFailureMay = TypedDict("_JobFailureMay", {
    "details": "Dict[str, Any]",
    "kind": "str",
    "reason": "Literal['error', 'timeout']",
    "retry_after_ms": "int",
}, total=False)


class JobFailure(_JobFailureMust, _JobFailureMay):
    pass


JobList = TypedDict("JobList", {
    "count": "int",
    "has_more": "bool",
    "items": "List[JobState]",
    "jobs": "List[JobState]",
    "page": "int",
    "page_size": "int",
    "project_id": "str",
    "total": "int",
})

JobRetryData = TypedDict("JobRetryData", {
    "attempt": "int",
    "of": "int",
    "reason": "str",
    "wait_ms": "int",
})

_JobStateMust = TypedDict("_JobStateMust", {
    "agent_type": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
    "apply": "Literal['auto', 'review']",
    "clarification_data": "Any",
    "completed_at": "Union[str, None]",
    "created_at": "str",
    "error": "Union[str, None]",
    "input_context": "Any",
    "job_id": "str",
    "progress": "float",
    "project_id": "str",
    "result": "Any",
    "retry_of": "Union[str, None]",
    "revision": "Union[int, None]",
    "started_at": "Union[str, None]",
    "status": "Literal['queued', 'running', 'waiting_for_input', 'completed', 'failed', 'cancelled']",
    "updated_at": "str",
    "user_id": "str",
})

_JobStateMay = TypedDict("_JobStateMay", {
    "proposal": "Proposal",
    "queue": "QueueState",
}, total=False)


class JobState(_JobStateMust, _JobStateMay):
    pass


_KeptDataMust = TypedDict("_KeptDataMust", {
    "round": "int",
    "stage": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
})

_KeptDataMay = TypedDict("_KeptDataMay", {
    "files": "List[str]",
    "proposal": "bool",
    "revision": "int",
}, total=False)


class KeptData(_KeptDataMust, _KeptDataMay):
    pass


KeyDeleted = TypedDict("KeyDeleted", {
    "message": "str",
    "provider": "str",
})

KeyList = TypedDict("KeyList", {
    "items": "List[ProviderKey]",
    "providers": "List[str]",
})

KeyPut = TypedDict("KeyPut", {
    "key": "str",
    "provider": "str",
})

KeyTest = TypedDict("KeyTest", {
    "message": "str",
    "provider": "str",
    "state": "Literal['accepted', 'refused', 'unknown', 'lost']",
})

LeftOut = TypedDict("LeftOut", {
    "bytes": "int",
    "files": "int",
    "path": "str",
    "reason": "str",
})

Lesson = TypedDict("Lesson", {
    "encouragement": "str",
    "further_exploration": "List[str]",
    "key_concept": "str",
    "message": "str",
    "steps": "List[LessonStep]",
    "summary": "str",
    "usage": "Dict[str, Any]",
})

LessonStep = TypedDict("LessonStep", {
    "concept": "str",
    "hint": "str",
    "question": "str",
    "step_number": "int",
})

LogData = TypedDict("LogData", {
    "message": "str",
})

Message = TypedDict("Message", {
    "content": "str",
    "created_at": "str",
    "id": "str",
    "is_thinking": "bool",
    "metadata": "Any",
    "project_id": "str",
    "role": "Literal['user', 'assistant', 'system']",
})

_MessageDataMust = TypedDict("_MessageDataMust", {
    "content": "str",
    "created_at": "str",
    "id": "str",
    "is_thinking": "bool",
    "metadata": "Any",
    "project_id": "str",
    "role": "Literal['user', 'assistant', 'system']",
})

_MessageDataMay = TypedDict("_MessageDataMay", {
    "truncated": "bool",
}, total=False)


class MessageData(_MessageDataMust, _MessageDataMay):
    pass


MessageDeletedData = TypedDict("MessageDeletedData", {
    "at": "str",
    "id": "str",
    "project_id": "str",
})

MessageList = TypedDict("MessageList", {
    "has_more": "bool",
    "items": "List[Message]",
    "next_before": "Union[str, None]",
})

ModelAlias = TypedDict("ModelAlias", {
    "model": "str",
    "name": "str",
})

ModelCall = TypedDict("ModelCall", {
    "agent": "str",
    "attempt": "int",
    "cache_write_tokens": "int",
    "cached": "bool",
    "cached_read_tokens": "int",
    "call": "int",
    "cost_estimated": "bool",
    "cost_micro_usd": "Union[int, None]",
    "duration_ms": "int",
    "error_code": "Union[str, None]",
    "fallback": "bool",
    "finish_reason": "Union[str, None]",
    "first_token_ms": "Union[int, None]",
    "http_status": "Union[int, None]",
    "id": "str",
    "input_tokens": "int",
    "model": "str",
    "output_tokens": "int",
    "own_key": "bool",
    "provider": "str",
    "reasoning_tokens": "int",
    "served_model": "Union[str, None]",
    "stage": "str",
    "started_at": "str",
    "usage_unknown": "bool",
})

ModelList = TypedDict("ModelList", {
    "aliases": "List[ModelAlias]",
    "checked_on": "str",
    "models": "List[ModelState]",
    "routes": "List[ModelRoute]",
    "warnings": "List[ModelWarning]",
})

ModelPrice = TypedDict("ModelPrice", {
    "above_prompt": "int",
    "cache_write_micro_usd": "Union[int, None]",
    "cached_read_micro_usd": "Union[int, None]",
    "input_micro_usd": "Union[int, None]",
    "output_micro_usd": "Union[int, None]",
    "valid_from": "Union[str, None]",
})

ModelRoute = TypedDict("ModelRoute", {
    "agent": "str",
    "chain": "List[str]",
    "effort": "str",
    "wanted": "List[str]",
})

ModelState = TypedDict("ModelState", {
    "breaker": "Literal['closed', 'half-open', 'open']",
    "configured": "bool",
    "context": "Union[int, None]",
    "efforts": "List[str]",
    "ends": "Union[str, None]",
    "gone": "bool",
    "known": "bool",
    "max_output": "Union[int, None]",
    "name": "str",
    "notes": "str",
    "paused_ms": "int",
    "prices": "List[ModelPrice]",
    "provider": "str",
    "served_by": "Union[str, None]",
    "successor": "Union[str, None]",
})

ModelTrial = TypedDict("ModelTrial", {
    "answered": "bool",
    "cache_write_tokens": "int",
    "cached_read_tokens": "int",
    "cost_estimated": "bool",
    "cost_micro_usd": "Union[int, None]",
    "duration_ms": "int",
    "first_token_ms": "Union[int, None]",
    "input_tokens": "int",
    "message": "str",
    "model": "str",
    "output_tokens": "int",
    "own_key": "bool",
    "reason": "Union[str, None]",
    "reasoning_tokens": "int",
    "served": "Union[str, None]",
})

ModelTrialRequest = TypedDict("ModelTrialRequest", {
    "model": "str",
})

ModelWarning = TypedDict("ModelWarning", {
    "kind": "Literal['alias', 'ended', 'ending', 'gone', 'unlisted', 'unrouted', 'scaffold']",
    "message": "str",
    "model": "str",
    "route": "Union[str, None]",
    "successor": "Union[str, None]",
})

_OfJobMust = TypedDict("_OfJobMust", {
    "job_id": "str",
})

_OfJobMay = TypedDict("_OfJobMay", {
    "seq": "int",
}, total=False)


class OfJob(_OfJobMust, _OfJobMay):
    pass


OpenJob = TypedDict("OpenJob", {
    "agent_type": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
    "events": "int",
    "id": "str",
    "progress": "float",
    "project_id": "str",
    "status": "Literal['queued', 'running', 'waiting_for_input']",
})

_PipelineRequestMust = TypedDict("_PipelineRequestMust", {
    "project_id": "str",
})

_PipelineRequestMay = TypedDict("_PipelineRequestMay", {
    "agent_type": "str",
    "apply": "Literal['auto', 'review']",
    "if_busy": "Literal['queue', 'reject', 'cancel_running']",
    "input_context": "Dict[str, Any]",
}, total=False)


class PipelineRequest(_PipelineRequestMust, _PipelineRequestMay):
    pass


PlacedChoiceRequest = TypedDict("PlacedChoiceRequest", {
    "decision_context": "str",
    "module_index": "int",
    "project_id": "str",
})

_PlacedRefactorRequestMust = TypedDict("_PlacedRefactorRequestMust", {
    "instruction": "str",
    "path": "str",
    "project_id": "str",
    "selected_code": "str",
})

_PlacedRefactorRequestMay = TypedDict("_PlacedRefactorRequestMay", {
    "start_line": "int",
}, total=False)


class PlacedRefactorRequest(_PlacedRefactorRequestMust, _PlacedRefactorRequestMay):
    pass


PlannedModule = TypedDict("PlannedModule", {
    "concepts": "List[str]",
    "description": "str",
    "estimated_hours": "float",
    "exercises": "List[str]",
    "title": "str",
})

PlannedRoadmap = TypedDict("PlannedRoadmap", {
    "created_at": "str",
    "current_step_index": "int",
    "id": "str",
    "learning_objectives": "List[str]",
    "modules": "List[PlannedModule]",
    "prerequisites": "List[str]",
    "project_id": "str",
    "total_estimated_hours": "float",
})

PreviewError = TypedDict("PreviewError", {
    "column": "int",
    "count": "int",
    "file": "str",
    "first_at": "str",
    "job_id": "Union[str, None]",
    "kind": "Literal['error', 'rejection', 'load', 'blocked']",
    "last_at": "str",
    "line": "int",
    "message": "str",
    "page": "str",
    "revision": "int",
    "stack": "str",
})

PreviewErrorList = TypedDict("PreviewErrorList", {
    "items": "List[PreviewError]",
    "revision": "int",
})

PreviewState = TypedDict("PreviewState", {
    "diagnostics": "List[Diagnostic]",
    "evidence": "List[Rung]",
    "reason": "str",
    "revision": "int",
    "status": "Literal['ready', 'partial', 'empty', 'no_page', 'needs_server', 'broken', 'unknown']",
    "url": "str",
})

Profile = TypedDict("Profile", {
    "avatar_url": "Union[str, None]",
    "created_at": "str",
    "full_name": "Union[str, None]",
    "id": "str",
    "skill_level": "Literal['beginner', 'intermediate', 'advanced']",
    "updated_at": "str",
    "username": "Union[str, None]",
})

ProfileDeleted = TypedDict("ProfileDeleted", {
    "id": "str",
    "message": "str",
})

ProfilePatch = TypedDict("ProfilePatch", {
    "avatar_url": "Union[str, None]",
    "full_name": "Union[str, None]",
    "skill_level": "Literal['beginner', 'intermediate', 'advanced']",
    "username": "Union[str, None]",
}, total=False)

Project = TypedDict("Project", {
    "apply": "Literal['auto', 'review']",
    "architecture_spec": "Any",
    "created_at": "str",
    "description": "str",
    "id": "str",
    "mode": "Literal['builder', 'student']",
    "requirements_spec": "Any",
    "revision": "int",
    "status": "Literal['planning', 'in-progress', 'building', 'completed', 'archived']",
    "tech_stack": "Union[List[str], None]",
    "title": "str",
    "updated_at": "str",
    "user_id": "str",
})

ProjectCopy = TypedDict("ProjectCopy", {
    "revision": "int",
    "title": "str",
}, total=False)

_ProjectCreateMust = TypedDict("_ProjectCreateMust", {
    "title": "str",
})

_ProjectCreateMay = TypedDict("_ProjectCreateMay", {
    "apply": "Literal['auto', 'review']",
    "description": "str",
    "mode": "Literal['builder', 'student']",
    "tech_stack": "Union[List[str], None]",
}, total=False)


class ProjectCreate(_ProjectCreateMust, _ProjectCreateMay):
    pass


ProjectData = TypedDict("ProjectData", {
    "at": "str",
    "fields": "List[str]",
    "project_id": "str",
})

ProjectList = TypedDict("ProjectList", {
    "has_more": "bool",
    "items": "List[Project]",
    "page": "int",
    "page_size": "int",
    "total": "int",
})

ProjectReport = TypedDict("ProjectReport", {
    "diagnostics": "List[Diagnostic]",
    "entries": "List[str]",
    "evidence": "List[Rung]",
    "files": "int",
    "ok": "bool",
    "project_id": "str",
    "revision": "int",
})

ProjectUpdate = TypedDict("ProjectUpdate", {
    "apply": "Literal['auto', 'review']",
    "architecture_spec": "Union[Dict[str, Any], None]",
    "description": "str",
    "requirements_spec": "Union[Dict[str, Any], None]",
    "status": "Literal['planning', 'in-progress', 'building', 'completed', 'archived']",
    "tech_stack": "Union[List[str], None]",
    "title": "str",
}, total=False)

Proposal = TypedDict("Proposal", {
    "base": "int",
    "created_at": "str",
    "files_changed": "int",
    "message": "str",
    "verified": "bool",
})

ProposalDiff = TypedDict("ProposalDiff", {
    "base": "int",
    "counts": "DiffCounts",
    "created_at": "str",
    "files": "List[FileDiff]",
    "files_changed": "int",
    "job_id": "str",
    "message": "str",
    "project_id": "str",
    "revision": "int",
    "too_large": "int",
    "unified": "str",
    "verified": "bool",
})

ProviderKey = TypedDict("ProviderKey", {
    "created_at": "str",
    "hint": "str",
    "provider": "str",
    "updated_at": "str",
})

Quantiles = TypedDict("Quantiles", {
    "p50": "int",
    "p90": "int",
})

Question = TypedDict("Question", {
    "options": "List[str]",
    "question": "str",
    "why": "str",
})

_QuestionRequestMust = TypedDict("_QuestionRequestMust", {
    "project_id": "str",
    "question": "str",
})

_QuestionRequestMay = TypedDict("_QuestionRequestMay", {
    "code": "str",
    "file_path": "str",
}, total=False)


class QuestionRequest(_QuestionRequestMust, _QuestionRequestMay):
    pass


QueueData = TypedDict("QueueData", {
    "job_id": "str",
    "place": "int",
    "reason": "str",
    "waiting_for": "Literal['free_worker', 'project', 'agent_limit', 'user_limit', 'retry', 'recovery', 'no_worker_running']",
})

QueueState = TypedDict("QueueState", {
    "place": "int",
    "waiting_for": "Literal['free_worker', 'project', 'agent_limit', 'user_limit', 'retry', 'recovery', 'no_worker_running']",
})

_ReadinessMust = TypedDict("_ReadinessMust", {
    "isolation": "str",
    "model": "str",
    "status": "Literal['ready']",
    "store": "str",
})

_ReadinessMay = TypedDict("_ReadinessMay", {
    "checks": "List[Check]",
    "degraded": "List[str]",
}, total=False)


class Readiness(_ReadinessMust, _ReadinessMay):
    pass


_ReadyDataMust = TypedDict("_ReadyDataMust", {
    "jobs": "List[OpenJob]",
    "more": "bool",
})

_ReadyDataMay = TypedDict("_ReadyDataMay", {
    "project_id": "str",
}, total=False)


class ReadyData(_ReadyDataMust, _ReadyDataMay):
    pass


RecordChoice = TypedDict("RecordChoice", {
    "module_index": "int",
    "option_id": "str",
})

_RefactorRequestMust = TypedDict("_RefactorRequestMust", {
    "instruction": "str",
    "selected_code": "str",
})

_RefactorRequestMay = TypedDict("_RefactorRequestMay", {
    "start_line": "int",
}, total=False)


class RefactorRequest(_RefactorRequestMust, _RefactorRequestMay):
    pass


_RefactorResultMust = TypedDict("_RefactorResultMust", {
    "applied": "bool",
    "base_revision": "int",
    "changed": "bool",
    "diagnostics": "List[Any]",
    "diff": "str",
    "end_line": "int",
    "explanation": "str",
    "file_path": "str",
    "full_file_content": "str",
    "offset": "int",
    "original_code": "str",
    "refactored_code": "str",
    "revision": "Union[int, None]",
    "start_line": "int",
    "summary": "str",
    "usage": "Dict[str, Any]",
    "verified": "bool",
    "version": "Union[int, None]",
})

_RefactorResultMay = TypedDict("_RefactorResultMay", {
    "evidence": "Any",
}, total=False)


class RefactorResult(_RefactorResultMust, _RefactorResultMay):
    pass


Rejected = TypedDict("Rejected", {
    "job_id": "str",
    "message": "str",
    "status": "Literal['completed', 'failed', 'cancelled']",
})

ResetData = TypedDict("ResetData", {
    "reason": "str",
})

ResponseEntry = TypedDict("ResponseEntry", {
    "answer": "Union[str, Dict[str, Any]]",
    "question_id": "Union[str, int]",
})

RestartData = TypedDict("RestartData", {
    "model": "str",
    "reason": "str",
    "stage": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
})

RetryRequest = TypedDict("RetryRequest", {
    "from": "Literal['research', 'wireframe', 'code', 'qa']",
    "if_busy": "Literal['queue', 'reject', 'cancel_running']",
}, total=False)

ReviewData = TypedDict("ReviewData", {
    "issues": "int",
    "passed": "bool",
    "round": "int",
    "score": "int",
    "stage": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
    "summary": "str",
})

Revision = TypedDict("Revision", {
    "author": "str",
    "created_at": "str",
    "evidence": "List[Rung]",
    "files_changed": "int",
    "job_id": "Union[str, None]",
    "message": "str",
    "revision": "int",
    "verified": "Union[bool, None]",
})

_RevisionDataMust = TypedDict("_RevisionDataMust", {
    "at": "str",
    "author": "str",
    "files_changed": "int",
    "message": "str",
    "project_id": "str",
    "revision": "int",
})

_RevisionDataMay = TypedDict("_RevisionDataMay", {
    "job_id": "str",
}, total=False)


class RevisionData(_RevisionDataMust, _RevisionDataMay):
    pass


RevisionDiff = TypedDict("RevisionDiff", {
    "base": "int",
    "counts": "DiffCounts",
    "files": "List[FileDiff]",
    "project_id": "str",
    "revision": "int",
    "too_large": "int",
    "unified": "str",
})

RevisionList = TypedDict("RevisionList", {
    "has_more": "bool",
    "items": "List[Revision]",
    "page": "int",
    "page_size": "int",
    "total": "int",
})

RevisionState = TypedDict("RevisionState", {
    "author": "str",
    "count": "int",
    "created_at": "str",
    "evidence": "List[Rung]",
    "files": "List[File]",
    "files_changed": "int",
    "job_id": "Union[str, None]",
    "message": "str",
    "project_id": "str",
    "revision": "int",
    "verified": "Union[bool, None]",
})

Roadmap = TypedDict("Roadmap", {
    "created_at": "str",
    "current_step_index": "int",
    "id": "str",
    "modules": "List[Dict[str, Any]]",
    "project_id": "str",
})

_RoadmapRequestMust = TypedDict("_RoadmapRequestMust", {
    "skill_level": "Literal['beginner', 'intermediate', 'advanced']",
})

_RoadmapRequestMay = TypedDict("_RoadmapRequestMay", {
    "focus_areas": "List[str]",
}, total=False)


class RoadmapRequest(_RoadmapRequestMust, _RoadmapRequestMay):
    pass


RoadmapResult = TypedDict("RoadmapResult", {
    "learning_objectives": "List[str]",
    "modules": "List[PlannedModule]",
    "prerequisites": "List[str]",
    "roadmap": "PlannedRoadmap",
    "summary": "str",
    "total_estimated_hours": "float",
    "total_modules": "int",
    "usage": "Dict[str, Any]",
})

RoadmapStep = TypedDict("RoadmapStep", {
    "step_index": "int",
})

_RungMust = TypedDict("_RungMust", {
    "duration_ms": "int",
    "name": "Literal['parse', 'resolve', 'types', 'bundle', 'run']",
    "status": "Literal['passed', 'failed', 'not_checked']",
})

_RungMay = TypedDict("_RungMay", {
    "reason": "str",
    "tool": "str",
    "version": "str",
}, total=False)


class Rung(_RungMust, _RungMay):
    pass


Screenshot = TypedDict("Screenshot", {
    "page": "str",
    "type": "str",
    "width": "int",
})

ScreenshotList = TypedDict("ScreenshotList", {
    "items": "List[Screenshot]",
})

Session = TypedDict("Session", {
    "concepts_covered": "List[str]",
    "created_at": "str",
    "duration_minutes": "int",
    "id": "str",
    "project_id": "str",
    "transcript": "List[Dict[str, Any]]",
})

_SessionCreateMust = TypedDict("_SessionCreateMust", {
    "concepts_covered": "List[str]",
    "transcript": "List[Dict[str, Any]]",
})

_SessionCreateMay = TypedDict("_SessionCreateMay", {
    "duration_minutes": "int",
}, total=False)


class SessionCreate(_SessionCreateMust, _SessionCreateMay):
    pass


SessionList = TypedDict("SessionList", {
    "count": "int",
    "project_id": "str",
    "sessions": "List[Session]",
})

ShownToken = TypedDict("ShownToken", {
    "created_at": "str",
    "expires_at": "Union[str, None]",
    "hint": "str",
    "id": "str",
    "last_used_at": "Union[str, None]",
    "name": "str",
    "revoked_at": "Union[str, None]",
    "scopes": "List[Literal['read', 'write', 'jobs', 'account']]",
    "token": "str",
})

ShownWebhook = TypedDict("ShownWebhook", {
    "created_at": "str",
    "description": "str",
    "disabled_at": "Union[str, None]",
    "disabled_reason": "Union[str, None]",
    "dropped": "int",
    "enabled": "bool",
    "events": "List[str]",
    "failing_since": "Union[str, None]",
    "failures": "int",
    "id": "str",
    "old_secret_until": "Union[str, None]",
    "pending": "int",
    "project_id": "Union[str, None]",
    "secret": "str",
    "updated_at": "str",
    "url": "str",
})

SpecData = TypedDict("SpecData", {
    "document": "Any",
    "kind": "Literal['requirements', 'architecture']",
    "stage": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
})

StageData = TypedDict("StageData", {
    "round": "int",
    "stage": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
    "status": "Literal['started', 'completed']",
    "title": "str",
})

StateData = TypedDict("StateData", {
    "job_id": "str",
    "progress": "float",
    "status": "Literal['queued', 'running', 'waiting_for_input', 'completed', 'failed', 'cancelled']",
})

StudentProgress = TypedDict("StudentProgress", {
    "completed_modules": "int",
    "current_module": "str",
    "percent_complete": "float",
    "project_id": "str",
    "roadmap_id": "str",
    "total_modules": "int",
    "total_sessions": "int",
    "total_time_minutes": "int",
})

_TokenCreateMust = TypedDict("_TokenCreateMust", {
    "name": "str",
    "scopes": "List[Literal['read', 'write', 'jobs', 'account']]",
})

_TokenCreateMay = TypedDict("_TokenCreateMay", {
    "expires_in_days": "int",
}, total=False)


class TokenCreate(_TokenCreateMust, _TokenCreateMay):
    pass


TokenList = TypedDict("TokenList", {
    "items": "List[TokenRecord]",
})

TokenRecord = TypedDict("TokenRecord", {
    "created_at": "str",
    "expires_at": "Union[str, None]",
    "hint": "str",
    "id": "str",
    "last_used_at": "Union[str, None]",
    "name": "str",
    "revoked_at": "Union[str, None]",
    "scopes": "List[Literal['read', 'write', 'jobs', 'account']]",
})

TokenRevoked = TypedDict("TokenRevoked", {
    "message": "str",
    "token_id": "str",
})

ToolData = TypedDict("ToolData", {
    "answer": "str",
    "argument": "str",
    "name": "str",
    "ok": "bool",
    "stage": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
})

_UsageDataMust = TypedDict("_UsageDataMust", {
    "cache_write_tokens": "int",
    "cached_read_tokens": "int",
    "cost_micro_usd": "Union[int, None]",
    "estimated": "bool",
    "first_token_ms": "int",
    "input_tokens": "int",
    "latency_ms": "int",
    "model": "str",
    "output_tokens": "int",
    "provider": "str",
    "reasoning_tokens": "int",
    "replayed": "bool",
    "stage": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
})

_UsageDataMay = TypedDict("_UsageDataMay", {
    "missing": "bool",
    "own_key": "bool",
    "partial": "bool",
}, total=False)


class UsageData(_UsageDataMust, _UsageDataMay):
    pass


UsageReport = TypedDict("UsageReport", {
    "from": "Union[str, None]",
    "group_by": "Literal['day', 'project', 'job', 'model', 'agent']",
    "items": "List[UsageSum]",
    "to": "Union[str, None]",
    "total": "UsageSum",
})

UsageSum = TypedDict("UsageSum", {
    "cache_write_tokens": "int",
    "cached_read_tokens": "int",
    "calls": "int",
    "cost_estimated": "bool",
    "cost_micro_usd": "Union[int, None]",
    "failed": "int",
    "input_tokens": "int",
    "key": "str",
    "latency_ms": "int",
    "output_tokens": "int",
    "own_calls": "int",
    "own_cost_micro_usd": "Union[int, None]",
    "reasoning_tokens": "int",
    "usage_unknown": "int",
})

UserJobList = TypedDict("UserJobList", {
    "count": "int",
    "has_more": "bool",
    "items": "List[JobState]",
    "jobs": "List[JobState]",
    "next_cursor": "Union[str, None]",
})

WaitingData = TypedDict("WaitingData", {
    "job_id": "str",
    "progress": "float",
    "questions": "List[Question]",
    "result": "Any",
    "status": "Literal['queued', 'running', 'waiting_for_input', 'completed', 'failed', 'cancelled']",
})

WaitlistEntry = TypedDict("WaitlistEntry", {
    "email": "str",
})

WaitlistJoined = TypedDict("WaitlistJoined", {
    "message": "str",
})

Webhook = TypedDict("Webhook", {
    "created_at": "str",
    "description": "str",
    "disabled_at": "Union[str, None]",
    "disabled_reason": "Union[str, None]",
    "dropped": "int",
    "enabled": "bool",
    "events": "List[str]",
    "failing_since": "Union[str, None]",
    "failures": "int",
    "id": "str",
    "old_secret_until": "Union[str, None]",
    "pending": "int",
    "project_id": "Union[str, None]",
    "updated_at": "str",
    "url": "str",
})

WebhookAttempt = TypedDict("WebhookAttempt", {
    "at": "str",
    "duration_ms": "int",
    "error": "Union[str, None]",
    "response": "str",
    "status": "Union[int, None]",
})

_WebhookCreateMust = TypedDict("_WebhookCreateMust", {
    "url": "str",
})

_WebhookCreateMay = TypedDict("_WebhookCreateMay", {
    "description": "str",
    "events": "List[Literal['job.queued', 'job.completed', 'job.failed', 'job.cancelled', 'job.waiting_for_input', 'job.kept', 'revision.created', 'project.created', 'project.updated', 'project.archived', 'webhook.disabled']]",
}, total=False)


class WebhookCreate(_WebhookCreateMust, _WebhookCreateMay):
    pass


WebhookData = TypedDict("WebhookData", {
    "at": "str",
    "disabled": "str",
    "project_id": "Union[str, None]",
    "webhook_id": "str",
})

WebhookDeleted = TypedDict("WebhookDeleted", {
    "message": "str",
    "webhook_id": "str",
})

WebhookDelivery = TypedDict("WebhookDelivery", {
    "attempts": "List[WebhookAttempt]",
    "created_at": "str",
    "data": "Any",
    "ended_at": "Union[str, None]",
    "id": "str",
    "next_attempt_at": "Union[str, None]",
    "status": "Literal['pending', 'delivered', 'failed']",
    "tries": "int",
    "type": "str",
    "webhook_id": "str",
})

WebhookList = TypedDict("WebhookList", {
    "items": "List[Webhook]",
})

WebhookUpdate = TypedDict("WebhookUpdate", {
    "description": "str",
    "enabled": "bool",
    "events": "List[Literal['job.queued', 'job.completed', 'job.failed', 'job.cancelled', 'job.waiting_for_input', 'job.kept', 'revision.created', 'project.created', 'project.updated', 'project.archived', 'webhook.disabled']]",
    "url": "str",
}, total=False)

_WorkingFileMust = TypedDict("_WorkingFileMust", {
    "change": "Literal['created', 'updated', 'none']",
    "language": "str",
    "path": "str",
    "size": "int",
})

_WorkingFileMay = TypedDict("_WorkingFileMay", {
    "content": "str",
    "encoding": "Literal['base64']",
}, total=False)


class WorkingFile(_WorkingFileMust, _WorkingFileMay):
    pass


WorkingList = TypedDict("WorkingList", {
    "count": "int",
    "deleted": "List[str]",
    "files": "List[WorkingFile]",
    "job_id": "str",
    "project_id": "str",
    "revision": "int",
    "status": "Literal['queued', 'running', 'waiting_for_input', 'completed', 'failed', 'cancelled']",
})


class JobProgressEvent(StoredEvent):
    """The job began, is so far, or went back to the queue."""

    type: Literal["progress"]
    data: StateData


class JobCompleteEvent(StoredEvent):
    """The job's end: it did its work."""

    type: Literal["complete"]
    data: CompleteData


class JobErrorEvent(StoredEvent):
    """The job's end: it failed."""

    type: Literal["error"]
    data: JobFailure


class JobCancelledEvent(StoredEvent):
    """The job's end: it was cancelled."""

    type: Literal["cancelled"]
    data: StateData


class JobWaitingEvent(StoredEvent):
    """The job asks, and goes on when it is answered."""

    type: Literal["waiting"]
    data: WaitingData


class JobStageEvent(StoredEvent):
    """A stage of the work began or ended."""

    type: Literal["stage"]
    data: StageData


class JobFileEvent(StoredEvent):
    """A file of the working tree was written, edited or deleted."""

    type: Literal["file"]
    data: FileData


class JobToolEvent(StoredEvent):
    """A tool was called, and answered."""

    type: Literal["tool"]
    data: ToolData


class JobSpecEvent(StoredEvent):
    """A specification was written."""

    type: Literal["spec"]
    data: SpecData


class JobCheckEvent(StoredEvent):
    """The working tree was verified."""

    type: Literal["check"]
    data: CheckData


class JobFindingEvent(StoredEvent):
    """A review found an issue."""

    type: Literal["finding"]
    data: FindingData


class JobReviewEvent(StoredEvent):
    """A review came to its end."""

    type: Literal["review"]
    data: ReviewData


class JobGuardEvent(StoredEvent):
    """A guard acted on what a model did."""

    type: Literal["guard"]
    data: GuardData


class JobUsageEvent(StoredEvent):
    """A model answered; what it took."""

    type: Literal["usage"]
    data: UsageData


class JobCallRetryEvent(StoredEvent):
    """A call of a model gave no answer, or was not made. Or: The job is tried again."""

    type: Literal["retry"]
    data: CallRetryData


class JobRetryEvent(StoredEvent):
    """A call of a model gave no answer, or was not made. Or: The job is tried again."""

    type: Literal["retry"]
    data: JobRetryData


class JobRestartEvent(StoredEvent):
    """What was shown of an answer on its way (delta, file_delta) is void."""

    type: Literal["restart"]
    data: RestartData


class JobKeptEvent(StoredEvent):
    """What a stage made is in the project, or proposed to it."""

    type: Literal["kept"]
    data: KeptData


class JobConflictEvent(StoredEvent):
    """The job and people changed the same places."""

    type: Literal["conflict"]
    data: ConflictData


class JobDeltaEvent(PassingEvent):
    """Words of an answer as they come."""

    type: Literal["delta"]
    data: DeltaData


class JobFileDeltaEvent(PassingEvent):
    """Text of a file as it is written."""

    type: Literal["file_delta"]
    data: FileDeltaData


class JobLogEvent(PassingEvent):
    """A line for whoever watches."""

    type: Literal["log"]
    data: LogData


class JobQueueEvent(PassingEvent):
    """Where a queued job stands, when that changes."""

    type: Literal["queue"]
    data: QueueData


JobEvent = Union[
    JobProgressEvent,
    JobCompleteEvent,
    JobErrorEvent,
    JobCancelledEvent,
    JobWaitingEvent,
    JobStageEvent,
    JobFileEvent,
    JobToolEvent,
    JobSpecEvent,
    JobCheckEvent,
    JobFindingEvent,
    JobReviewEvent,
    JobGuardEvent,
    JobUsageEvent,
    JobCallRetryEvent,
    JobRetryEvent,
    JobRestartEvent,
    JobKeptEvent,
    JobConflictEvent,
    JobDeltaEvent,
    JobFileDeltaEvent,
    JobLogEvent,
    JobQueueEvent,
]


class ProjectStateData(StateData, OfJob):
    pass


class ProjectProgressEvent(StoredEvent):
    """The job began, is so far, or went back to the queue."""

    type: Literal["progress"]
    data: ProjectStateData


class ProjectCompleteData(CompleteData, OfJob):
    pass


class ProjectCompleteEvent(StoredEvent):
    """The job's end: it did its work."""

    type: Literal["complete"]
    data: ProjectCompleteData


class ProjectJobFailure(JobFailure, OfJob):
    pass


class ProjectErrorEvent(StoredEvent):
    """The job's end: it failed."""

    type: Literal["error"]
    data: ProjectJobFailure


class ProjectCancelledEvent(StoredEvent):
    """The job's end: it was cancelled."""

    type: Literal["cancelled"]
    data: ProjectStateData


class ProjectWaitingData(WaitingData, OfJob):
    pass


class ProjectWaitingEvent(StoredEvent):
    """The job asks, and goes on when it is answered."""

    type: Literal["waiting"]
    data: ProjectWaitingData


class ProjectStageData(StageData, OfJob):
    pass


class ProjectStageEvent(StoredEvent):
    """A stage of the work began or ended."""

    type: Literal["stage"]
    data: ProjectStageData


class ProjectFileData(FileData, OfJob):
    pass


class ProjectFileEvent(StoredEvent):
    """A file of the working tree was written, edited or deleted."""

    type: Literal["file"]
    data: ProjectFileData


class ProjectToolData(ToolData, OfJob):
    pass


class ProjectToolEvent(StoredEvent):
    """A tool was called, and answered."""

    type: Literal["tool"]
    data: ProjectToolData


class ProjectSpecData(SpecData, OfJob):
    pass


class ProjectSpecEvent(StoredEvent):
    """A specification was written."""

    type: Literal["spec"]
    data: ProjectSpecData


class ProjectCheckData(CheckData, OfJob):
    pass


class ProjectCheckEvent(StoredEvent):
    """The working tree was verified."""

    type: Literal["check"]
    data: ProjectCheckData


class ProjectFindingData(FindingData, OfJob):
    pass


class ProjectFindingEvent(StoredEvent):
    """A review found an issue."""

    type: Literal["finding"]
    data: ProjectFindingData


class ProjectReviewData(ReviewData, OfJob):
    pass


class ProjectReviewEvent(StoredEvent):
    """A review came to its end."""

    type: Literal["review"]
    data: ProjectReviewData


class ProjectGuardData(GuardData, OfJob):
    pass


class ProjectGuardEvent(StoredEvent):
    """A guard acted on what a model did."""

    type: Literal["guard"]
    data: ProjectGuardData


class ProjectUsageData(UsageData, OfJob):
    pass


class ProjectUsageEvent(StoredEvent):
    """A model answered; what it took."""

    type: Literal["usage"]
    data: ProjectUsageData


class ProjectCallRetryData(CallRetryData, OfJob):
    pass


class ProjectCallRetryEvent(StoredEvent):
    """A call of a model gave no answer, or was not made. Or: The job is tried again."""

    type: Literal["retry"]
    data: ProjectCallRetryData


class ProjectJobRetryData(JobRetryData, OfJob):
    pass


class ProjectJobRetryEvent(StoredEvent):
    """A call of a model gave no answer, or was not made. Or: The job is tried again."""

    type: Literal["retry"]
    data: ProjectJobRetryData


class ProjectRestartData(RestartData, OfJob):
    pass


class ProjectRestartEvent(StoredEvent):
    """What was shown of an answer on its way (delta, file_delta) is void."""

    type: Literal["restart"]
    data: ProjectRestartData


class ProjectKeptData(KeptData, OfJob):
    pass


class ProjectKeptEvent(StoredEvent):
    """What a stage made is in the project, or proposed to it."""

    type: Literal["kept"]
    data: ProjectKeptData


class ProjectConflictData(ConflictData, OfJob):
    pass


class ProjectConflictEvent(StoredEvent):
    """The job and people changed the same places."""

    type: Literal["conflict"]
    data: ProjectConflictData


class ProjectDeltaData(DeltaData, OfJob):
    pass


class ProjectDeltaEvent(PassingEvent):
    """Words of an answer as they come."""

    type: Literal["delta"]
    data: ProjectDeltaData


class ProjectFileDeltaData(FileDeltaData, OfJob):
    pass


class ProjectFileDeltaEvent(PassingEvent):
    """Text of a file as it is written."""

    type: Literal["file_delta"]
    data: ProjectFileDeltaData


class ProjectLogData(LogData, OfJob):
    pass


class ProjectLogEvent(PassingEvent):
    """A line for whoever watches."""

    type: Literal["log"]
    data: ProjectLogData


class ProjectReadyEvent(StoredEvent):
    """The stream begins here."""

    type: Literal["ready"]
    data: ReadyData


class ProjectResetEvent(StoredEvent):
    """What happened since the id that was given is not kept: read anew what you hold. ready follows."""

    type: Literal["reset"]
    data: ResetData


class ProjectJobEvent(StoredEvent):
    """A job began, went back to the queue, waits, or ended."""

    type: Literal["job"]
    data: JobData


class ProjectRevisionEvent(StoredEvent):
    """The files have a new revision."""

    type: Literal["revision"]
    data: RevisionData


class ProjectMessageEvent(StoredEvent):
    """A line was added to the conversation."""

    type: Literal["message"]
    data: MessageData


class ProjectMessageDeletedEvent(StoredEvent):
    """A line of the conversation is gone."""

    type: Literal["message_deleted"]
    data: MessageDeletedData


class ProjectProjectEvent(StoredEvent):
    """Fields of the project have other values."""

    type: Literal["project"]
    data: ProjectData


class ProjectWebhookEvent(StoredEvent):
    """The server disabled a webhook."""

    type: Literal["webhook"]
    data: WebhookData


ProjectEvent = Union[
    ProjectProgressEvent,
    ProjectCompleteEvent,
    ProjectErrorEvent,
    ProjectCancelledEvent,
    ProjectWaitingEvent,
    ProjectStageEvent,
    ProjectFileEvent,
    ProjectToolEvent,
    ProjectSpecEvent,
    ProjectCheckEvent,
    ProjectFindingEvent,
    ProjectReviewEvent,
    ProjectGuardEvent,
    ProjectUsageEvent,
    ProjectCallRetryEvent,
    ProjectJobRetryEvent,
    ProjectRestartEvent,
    ProjectKeptEvent,
    ProjectConflictEvent,
    ProjectDeltaEvent,
    ProjectFileDeltaEvent,
    ProjectLogEvent,
    ProjectReadyEvent,
    ProjectResetEvent,
    ProjectJobEvent,
    ProjectRevisionEvent,
    ProjectMessageEvent,
    ProjectMessageDeletedEvent,
    ProjectProjectEvent,
    ProjectWebhookEvent,
]


class UserStateData(StateData, OfJob):
    pass


class UserProgressEvent(StoredEvent):
    """The job began, is so far, or went back to the queue."""

    type: Literal["progress"]
    data: UserStateData


class UserCompleteData(CompleteData, OfJob):
    pass


class UserCompleteEvent(StoredEvent):
    """The job's end: it did its work."""

    type: Literal["complete"]
    data: UserCompleteData


class UserJobFailure(JobFailure, OfJob):
    pass


class UserErrorEvent(StoredEvent):
    """The job's end: it failed."""

    type: Literal["error"]
    data: UserJobFailure


class UserCancelledEvent(StoredEvent):
    """The job's end: it was cancelled."""

    type: Literal["cancelled"]
    data: UserStateData


class UserWaitingData(WaitingData, OfJob):
    pass


class UserWaitingEvent(StoredEvent):
    """The job asks, and goes on when it is answered."""

    type: Literal["waiting"]
    data: UserWaitingData


class UserStageData(StageData, OfJob):
    pass


class UserStageEvent(StoredEvent):
    """A stage of the work began or ended."""

    type: Literal["stage"]
    data: UserStageData


class UserCallRetryData(CallRetryData, OfJob):
    pass


class UserCallRetryEvent(StoredEvent):
    """A call of a model gave no answer, or was not made. Or: The job is tried again."""

    type: Literal["retry"]
    data: UserCallRetryData


class UserJobRetryData(JobRetryData, OfJob):
    pass


class UserJobRetryEvent(StoredEvent):
    """A call of a model gave no answer, or was not made. Or: The job is tried again."""

    type: Literal["retry"]
    data: UserJobRetryData


class UserKeptData(KeptData, OfJob):
    pass


class UserKeptEvent(StoredEvent):
    """What a stage made is in the project, or proposed to it."""

    type: Literal["kept"]
    data: UserKeptData


class UserConflictData(ConflictData, OfJob):
    pass


class UserConflictEvent(StoredEvent):
    """The job and people changed the same places."""

    type: Literal["conflict"]
    data: UserConflictData


class UserReadyEvent(StoredEvent):
    """The stream begins here."""

    type: Literal["ready"]
    data: ReadyData


class UserResetEvent(StoredEvent):
    """What happened since the id that was given is not kept: read anew what you hold. ready follows."""

    type: Literal["reset"]
    data: ResetData


class UserJobEvent(StoredEvent):
    """A job began, went back to the queue, waits, or ended."""

    type: Literal["job"]
    data: JobData


UserEvent = Union[
    UserProgressEvent,
    UserCompleteEvent,
    UserErrorEvent,
    UserCancelledEvent,
    UserWaitingEvent,
    UserStageEvent,
    UserCallRetryEvent,
    UserJobRetryEvent,
    UserKeptEvent,
    UserConflictEvent,
    UserReadyEvent,
    UserResetEvent,
    UserJobEvent,
]


class Agents(_Group):
    def clarify(self, body: "ClarifyRequest", **options: Any) -> "AgentResponse":
        """Answer a job's questions, with its id in the body."""
        return self._core.call("POST", "/v1/clarify", body=body, **options)

    def respond(self, job_id: str, body: "AnswerSet", **options: Any) -> "AgentResponse":
        """Answer a job's questions."""
        return self._core.call("POST", f"/v1/jobs/{_part(job_id)}/respond", body=body, **options)

    def run(self, body: "AgentRequest", **options: Any) -> "AgentResponse":
        """Run an agent."""
        return self._core.call("POST", "/v1/run-agent", body=body, keyed=True, **options)

    def run_pipeline(self, body: "PipelineRequest", **options: Any) -> "AgentResponse":
        """Run the pipeline."""
        return self._core.call("POST", "/v1/run-pipeline", body=body, keyed=True, **options)


class Files(_Group):
    def export_tar_gz(self, project_id: str, *, revision: "Optional[int]" = None, **options: Any) -> bytes:
        """Export as tar.gz."""
        return self._core.read("GET", f"/v1/projects/{_part(project_id)}/archive.tar.gz", query={"revision": revision}, accept="*/*", **options)

    def export_zip(self, project_id: str, *, revision: "Optional[int]" = None, **options: Any) -> bytes:
        """Export as zip."""
        return self._core.read("GET", f"/v1/projects/{_part(project_id)}/archive.zip", query={"revision": revision}, accept="*/*", **options)

    def export_github(self, project_id: str, body: "GitHubExportRequest", **options: Any) -> "GitHubExport":
        """Export to GitHub."""
        return self._core.call("POST", f"/v1/projects/{_part(project_id)}/export/github", body=body, keyed=True, **options)

    def list(self, project_id: str, *, content: "Optional[bool]" = None, **options: Any) -> "FileList":
        """List files."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}/files", query={"content": content}, **options)

    def create(self, project_id: str, body: "Optional[FileBody]" = None, *, path: "Optional[str]" = None, content: "Optional[str]" = None, language: "Optional[str]" = None, **options: Any) -> "File":
        """Write a file."""
        return self._core.call("POST", f"/v1/projects/{_part(project_id)}/files", body=body, query={"path": path, "content": content, "language": language}, **options)

    def delete(self, project_id: str, path: str, **options: Any) -> "FileDeleted":
        """Delete a file."""
        return self._core.call("DELETE", f"/v1/projects/{_part(project_id)}/files/{_part(path, True)}", **options)

    def get(self, project_id: str, path: str, **options: Any) -> "File":
        """Read a file."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}/files/{_part(path, True)}", **options)

    def update(self, project_id: str, path: str, body: "Union[FileUpdate, Upload]", **options: Any) -> "File":
        """Replace a file's content."""
        return self._core.call("PUT", f"/v1/projects/{_part(project_id)}/files/{_part(path, True)}", body=body, **options)

    def refactor(self, project_id: str, path: str, body: "RefactorRequest", *, apply: "Optional[bool]" = None, **options: Any) -> "RefactorResult":
        """Refactor a part of a file."""
        return self._core.call("POST", f"/v1/projects/{_part(project_id)}/files/{_part(path, True)}/refactor", body=body, query={"apply": apply}, keyed=True, **options)

    def import_project(self, project_id: str, body: "Union[Dict[str, Any], Upload]", *, mode: "Optional[Literal['merge', 'replace']]" = None, **options: Any) -> "Imported":
        """Import an archive."""
        return self._core.call("POST", f"/v1/projects/{_part(project_id)}/import", body=body, query={"mode": mode}, **options)

    def import_github(self, project_id: str, body: "GitHubImportRequest", *, mode: "Optional[Literal['merge', 'replace']]" = None, **options: Any) -> "Imported":
        """Import a repository from GitHub."""
        return self._core.call("POST", f"/v1/projects/{_part(project_id)}/import/github", body=body, query={"mode": mode}, **options)

    def refactor_placed(self, body: "PlacedRefactorRequest", *, apply: "Optional[bool]" = None, **options: Any) -> "RefactorResult":
        """Refactor a part of a file, with its place in the body."""
        return self._core.call("POST", "/v1/refactor", body=body, query={"apply": apply}, keyed=True, **options)

    def get_raw(self, project_id: str, path: str, **options: Any) -> bytes:
        """Read a file, as it is."""
        return self._core.read("GET", f"/v1/projects/{_part(project_id)}/files/{_part(path, True)}", accept="application/octet-stream", **options)


class JobCalls(_Group):
    _pages = {"list", "list_calls", "list_of_project"}

    def watch_all(self, after: str = "", patience: float = 600.0) -> "Stream[UserEvent]":
        """Watch all of one's jobs."""
        return self._core.stream("/v1/events", False, after, patience)

    def list(self, *, state: "Optional[Literal['queued', 'running', 'waiting_for_input', 'completed', 'failed', 'cancelled']]" = None, agent: "Optional[Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']]" = None, project: "Optional[str]" = None, cursor: "Optional[str]" = None, limit: "Optional[int]" = None, **options: Any) -> "Pages[JobState]":
        """List the jobs of all projects."""
        return Pages(self._core, "/v1/jobs", {"state": state, "agent": agent, "project": project, "cursor": cursor, "limit": limit}, options)

    def get(self, job_id: str, *, wait: "Optional[str]" = None, **options: Any) -> "JobDetail":
        """Read a job."""
        return self._core.call("GET", f"/v1/jobs/{_part(job_id)}", query={"wait": wait}, **options)

    def apply_proposal(self, job_id: str, body: "Optional[ApplyRequest]" = None, **options: Any) -> "Applied":
        """Apply a job's proposal."""
        return self._core.call("POST", f"/v1/jobs/{_part(job_id)}/apply", body=body, **options)

    def list_calls(self, job_id: str, *, cursor: "Optional[str]" = None, limit: "Optional[int]" = None, **options: Any) -> "Pages[ModelCall]":
        """List what models were asked for a job."""
        return Pages(self._core, f"/v1/jobs/{_part(job_id)}/calls", {"cursor": cursor, "limit": limit}, options)

    def get_call(self, job_id: str, call: str, **options: Any) -> "CallAnswer":
        """Read what a model answered."""
        return self._core.call("GET", f"/v1/jobs/{_part(job_id)}/calls/{_part(call)}", **options)

    def cancel(self, job_id: str, *, keep: "Optional[bool]" = None, **options: Any) -> "Cancelled":
        """Cancel a job."""
        return self._core.call("POST", f"/v1/jobs/{_part(job_id)}/cancel", query={"keep": keep}, **options)

    def list_files(self, job_id: str, *, path: "Optional[str]" = None, **options: Any) -> "WorkingList":
        """Read a job's working tree."""
        return self._core.call("GET", f"/v1/jobs/{_part(job_id)}/files", query={"path": path}, **options)

    def preview(self, job_id: str, *, fresh: "Optional[bool]" = None, **options: Any) -> "PreviewState":
        """What a preview of the working tree shows, and where."""
        return self._core.call("GET", f"/v1/jobs/{_part(job_id)}/preview", query={"fresh": fresh}, **options)

    def get_proposal(self, job_id: str, **options: Any) -> "ProposalDiff":
        """Read a job's proposal."""
        return self._core.call("GET", f"/v1/jobs/{_part(job_id)}/proposal", **options)

    def reject_proposal(self, job_id: str, **options: Any) -> "Rejected":
        """Reject a job's proposal."""
        return self._core.call("POST", f"/v1/jobs/{_part(job_id)}/reject", **options)

    def retry(self, job_id: str, body: "Optional[RetryRequest]" = None, **options: Any) -> "AgentResponse":
        """Try a job again."""
        return self._core.call("POST", f"/v1/jobs/{_part(job_id)}/retry", body=body, keyed=True, **options)

    def watch(self, job_id: str, after: str = "", patience: float = 600.0) -> "Stream[JobEvent]":
        """Watch a job."""
        return self._core.stream(f"/v1/jobs/{_part(job_id)}/stream", True, after, patience)

    def list_of_project(self, project_id: str, *, limit: "Optional[int]" = None, offset: "Optional[int]" = None, page: "Optional[int]" = None, page_size: "Optional[int]" = None, **options: Any) -> "Pages[JobState]":
        """List a project's jobs."""
        return Pages(self._core, f"/v1/jobs/{_part(project_id)}/list", {"limit": limit, "offset": offset, "page": page, "page_size": page_size}, options)


class Keys(_Group):
    def list(self, **options: Any) -> "KeyList":
        """List own keys."""
        return self._core.call("GET", "/v1/keys", **options)

    def put(self, body: "KeyPut", **options: Any) -> "ProviderKey":
        """Keep an own key for a provider."""
        return self._core.call("POST", "/v1/keys", body=body, **options)

    def delete(self, provider: str, **options: Any) -> "KeyDeleted":
        """Delete an own key."""
        return self._core.call("DELETE", f"/v1/keys/{_part(provider)}", **options)

    def test(self, provider: str, **options: Any) -> "KeyTest":
        """Try an own key."""
        return self._core.call("POST", f"/v1/keys/{_part(provider)}/test", **options)


class Learning(_Group):
    def ask_mentor(self, body: "QuestionRequest", **options: Any) -> "Lesson":
        """Ask the mentor."""
        return self._core.call("POST", "/v1/student/ask", body=body, keyed=True, **options)

    def make_placed_choice(self, body: "PlacedChoiceRequest", **options: Any) -> "ChoiceFramework":
        """Lay out a choice, with its project in the body."""
        return self._core.call("POST", "/v1/student/choice-framework", body=body, keyed=True, **options)

    def make_choice(self, project_id: str, body: "ChoiceRequest", **options: Any) -> "ChoiceFramework":
        """Lay out a choice."""
        return self._core.call("POST", f"/v1/student/{_part(project_id)}/choice", body=body, keyed=True, **options)

    def record_choice(self, project_id: str, body: "RecordChoice", **options: Any) -> "ChoiceRecorded":
        """Record a choice."""
        return self._core.call("PUT", f"/v1/student/{_part(project_id)}/choice", body=body, **options)

    def get_student_progress(self, project_id: str, **options: Any) -> "StudentProgress":
        """How far the student has come."""
        return self._core.call("GET", f"/v1/student/{_part(project_id)}/progress", **options)

    def get_roadmap(self, project_id: str, *, optional: "Optional[bool]" = None, **options: Any) -> "Optional[Roadmap]":
        """Read the roadmap."""
        return self._core.call("GET", f"/v1/student/{_part(project_id)}/roadmap", query={"optional": optional}, **options)

    def plan_roadmap(self, project_id: str, body: "RoadmapRequest", **options: Any) -> "RoadmapResult":
        """Plan a roadmap."""
        return self._core.call("POST", f"/v1/student/{_part(project_id)}/roadmap", body=body, keyed=True, **options)

    def set_roadmap_step(self, project_id: str, body: "RoadmapStep", **options: Any) -> "Roadmap":
        """Say which module comes next."""
        return self._core.call("PUT", f"/v1/student/{_part(project_id)}/roadmap/progress", body=body, **options)

    def list_sessions(self, project_id: str, *, limit: "Optional[int]" = None, **options: Any) -> "SessionList":
        """List sessions."""
        return self._core.call("GET", f"/v1/student/{_part(project_id)}/sessions", query={"limit": limit}, **options)

    def add_session(self, project_id: str, body: "SessionCreate", **options: Any) -> "Session":
        """Keep a session."""
        return self._core.call("POST", f"/v1/student/{_part(project_id)}/sessions", body=body, **options)


class Models(_Group):
    def list_budgets(self, *, project_id: "Optional[str]" = None, job_id: "Optional[str]" = None, **options: Any) -> "BudgetList":
        """List budgets."""
        return self._core.call("GET", "/v1/budgets", query={"project_id": project_id, "job_id": job_id}, **options)

    def set_budget(self, body: "BudgetUpdate", **options: Any) -> "BudgetList":
        """Set a budget."""
        return self._core.call("PUT", "/v1/budgets", body=body, **options)

    def get_estimate(self, *, agent_type: "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder']", project_id: "Optional[str]" = None, **options: Any) -> "Estimate":
        """What a job will probably take."""
        return self._core.call("GET", "/v1/estimate", query={"agent_type": agent_type, "project_id": project_id}, **options)

    def list(self, **options: Any) -> "ModelList":
        """List models."""
        return self._core.call("GET", "/v1/models", **options)

    def test(self, body: "ModelTrialRequest", **options: Any) -> "ModelTrial":
        """Try a model."""
        return self._core.call("POST", "/v1/models/test", body=body, **options)

    def sum_usage(self, *, group_by: "Optional[Literal['day', 'project', 'job', 'model', 'agent']]" = None, project_id: "Optional[str]" = None, job_id: "Optional[str]" = None, agent_type: "Optional[str]" = None, from_: "Optional[str]" = None, to: "Optional[str]" = None, limit: "Optional[int]" = None, **options: Any) -> "UsageReport":
        """What was used."""
        return self._core.call("GET", "/v1/usage", query={"group_by": group_by, "project_id": project_id, "job_id": job_id, "agent_type": agent_type, "from": from_, "to": to, "limit": limit}, **options)


class Profiles(_Group):
    def put(self, body: "ProfilePatch", **options: Any) -> "Profile":
        """Make or change the profile."""
        return self._core.call("POST", "/v1/profiles/", body=body, **options)

    def delete(self, *, permanent: "bool", **options: Any) -> "ProfileDeleted":
        """Delete all that the caller has."""
        return self._core.call("DELETE", "/v1/profiles/me", query={"permanent": permanent}, **options)

    def get(self, **options: Any) -> "Profile":
        """Read the profile."""
        return self._core.call("GET", "/v1/profiles/me", **options)

    def update(self, body: "ProfilePatch", **options: Any) -> "Profile":
        """Change the profile."""
        return self._core.call("PUT", "/v1/profiles/me", body=body, **options)

    def export(self, **options: Any) -> bytes:
        """Export all that the caller has."""
        return self._core.read("GET", "/v1/profiles/me/export", accept="*/*", **options)

    def join_waitlist(self, body: "WaitlistEntry", **options: Any) -> "WaitlistJoined":
        """Join the waitlist."""
        return self._core.call("POST", "/v1/waitlist/", body=body, **options)


class Projects(_Group):
    _pages = {"list", "list_messages"}

    def list(self, *, page: "Optional[int]" = None, page_size: "Optional[int]" = None, mode: "Optional[Literal['builder', 'student']]" = None, status: "Optional[Literal['planning', 'in-progress', 'building', 'completed', 'archived']]" = None, **options: Any) -> "Pages[Project]":
        """List projects."""
        return Pages(self._core, "/v1/projects/", {"page": page, "page_size": page_size, "mode": mode, "status": status}, options)

    def create(self, body: "ProjectCreate", **options: Any) -> "Project":
        """Create a project."""
        return self._core.call("POST", "/v1/projects/", body=body, **options)

    def archive(self, project_id: str, *, permanent: "Optional[bool]" = None, **options: Any) -> "Archived":
        """Archive a project, or delete it."""
        return self._core.call("DELETE", f"/v1/projects/{_part(project_id)}", query={"permanent": permanent}, **options)

    def get(self, project_id: str, **options: Any) -> "Project":
        """Read a project."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}", **options)

    def update(self, project_id: str, body: "ProjectUpdate", **options: Any) -> "Project":
        """Change a project."""
        return self._core.call("PUT", f"/v1/projects/{_part(project_id)}", body=body, **options)

    def check(self, project_id: str, *, revision: "Optional[int]" = None, run: "Optional[bool]" = None, **options: Any) -> "ProjectReport":
        """Verify the files."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}/check", query={"revision": revision, "run": run}, **options)

    def copy(self, project_id: str, body: "Optional[ProjectCopy]" = None, **options: Any) -> "Project":
        """Copy a project."""
        return self._core.call("POST", f"/v1/projects/{_part(project_id)}/copy", body=body, keyed=True, **options)

    def watch(self, project_id: str, after: str = "", patience: float = 600.0) -> "Stream[ProjectEvent]":
        """Watch a project."""
        return self._core.stream(f"/v1/projects/{_part(project_id)}/events", False, after, patience)

    def list_messages(self, project_id: str, *, limit: "Optional[int]" = None, before: "Optional[str]" = None, role: "Optional[Literal['user', 'assistant', 'system']]" = None, thinking: "Optional[bool]" = None, **options: Any) -> "Pages[Message]":
        """Read the conversation."""
        return Pages(self._core, f"/v1/projects/{_part(project_id)}/messages", {"limit": limit, "before": before, "role": role, "thinking": thinking}, options)

    def preview(self, project_id: str, *, revision: "Optional[int]" = None, fresh: "Optional[bool]" = None, **options: Any) -> "PreviewState":
        """What the preview shows, and where."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}/preview", query={"revision": revision, "fresh": fresh}, **options)

    def list_preview_errors(self, project_id: str, *, revision: "Optional[int]" = None, job_id: "Optional[str]" = None, **options: Any) -> "PreviewErrorList":
        """What went wrong in the preview."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}/preview/errors", query={"revision": revision, "job_id": job_id}, **options)


class Revisions(_Group):
    _pages = {"list"}

    def list(self, project_id: str, *, page: "Optional[int]" = None, page_size: "Optional[int]" = None, **options: Any) -> "Pages[Revision]":
        """List revisions."""
        return Pages(self._core, f"/v1/projects/{_part(project_id)}/revisions", {"page": page, "page_size": page_size}, options)

    def get(self, project_id: str, revision: int, *, content: "Optional[bool]" = None, path: "Optional[str]" = None, **options: Any) -> "RevisionState":
        """Read a revision."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}/revisions/{_part(revision)}", query={"content": content, "path": path}, **options)

    def diff(self, project_id: str, revision: int, *, from_: "Optional[int]" = None, **options: Any) -> "RevisionDiff":
        """Compare a revision."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}/revisions/{_part(revision)}/diff", query={"from": from_}, **options)

    def restore(self, project_id: str, revision: int, **options: Any) -> "Revision":
        """Restore a revision."""
        return self._core.call("POST", f"/v1/projects/{_part(project_id)}/revisions/{_part(revision)}/restore", **options)

    def get_screenshot(self, project_id: str, revision: int, *, page: "Optional[str]" = None, width: "Optional[int]" = None, **options: Any) -> bytes:
        """Look at a page."""
        return self._core.read("GET", f"/v1/projects/{_part(project_id)}/revisions/{_part(revision)}/screenshot", query={"page": page, "width": width}, accept="*/*", **options)

    def list_screenshots(self, project_id: str, revision: int, **options: Any) -> "ScreenshotList":
        """List screenshots."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}/revisions/{_part(revision)}/screenshots", **options)

    def diff_raw(self, project_id: str, revision: int, *, from_: "Optional[int]" = None, **options: Any) -> bytes:
        """Compare a revision, as it is."""
        return self._core.read("GET", f"/v1/projects/{_part(project_id)}/revisions/{_part(revision)}/diff", query={"from": from_}, accept="text/x-diff", **options)


class System(_Group):
    def health(self, **options: Any) -> "Health":
        """Health."""
        return self._core.call("GET", "/health", **options)

    def live(self, **options: Any) -> "Alive":
        """Liveness."""
        return self._core.call("GET", "/livez", **options)

    def ready(self, *, verbose: "Optional[str]" = None, **options: Any) -> "Readiness":
        """Readiness."""
        return self._core.call("GET", "/readyz", query={"verbose": verbose}, **options)

    def diagnose(self, **options: Any) -> "Diagnosis":
        """Look at every part."""
        return self._core.call("POST", "/v1/doctor", **options)


class Tokens(_Group):
    def list(self, **options: Any) -> "TokenList":
        """List tokens."""
        return self._core.call("GET", "/v1/tokens", **options)

    def create(self, body: "TokenCreate", **options: Any) -> "ShownToken":
        """Make a token."""
        return self._core.call("POST", "/v1/tokens", body=body, **options)

    def revoke(self, token_id: str, **options: Any) -> "TokenRevoked":
        """Revoke a token."""
        return self._core.call("DELETE", f"/v1/tokens/{_part(token_id)}", **options)


class Webhooks(_Group):
    _pages = {"list_deliveries"}

    def list_project(self, project_id: str, **options: Any) -> "WebhookList":
        """List a project's webhooks."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}/webhooks", **options)

    def create_project(self, project_id: str, body: "WebhookCreate", **options: Any) -> "ShownWebhook":
        """Create a webhook for a project."""
        return self._core.call("POST", f"/v1/projects/{_part(project_id)}/webhooks", body=body, **options)

    def list(self, **options: Any) -> "WebhookList":
        """List webhooks for all projects."""
        return self._core.call("GET", "/v1/webhooks", **options)

    def create(self, body: "WebhookCreate", **options: Any) -> "ShownWebhook":
        """Create a webhook for all projects."""
        return self._core.call("POST", "/v1/webhooks", body=body, **options)

    def delete(self, webhook_id: str, **options: Any) -> "WebhookDeleted":
        """Delete a webhook."""
        return self._core.call("DELETE", f"/v1/webhooks/{_part(webhook_id)}", **options)

    def get(self, webhook_id: str, **options: Any) -> "Webhook":
        """Read a webhook."""
        return self._core.call("GET", f"/v1/webhooks/{_part(webhook_id)}", **options)

    def update(self, webhook_id: str, body: "WebhookUpdate", **options: Any) -> "Webhook":
        """Change a webhook."""
        return self._core.call("PUT", f"/v1/webhooks/{_part(webhook_id)}", body=body, **options)

    def list_deliveries(self, webhook_id: str, *, limit: "Optional[int]" = None, before: "Optional[str]" = None, status: "Optional[Literal['pending', 'delivered', 'failed']]" = None, **options: Any) -> "Pages[WebhookDelivery]":
        """List deliveries."""
        return Pages(self._core, f"/v1/webhooks/{_part(webhook_id)}/deliveries", {"limit": limit, "before": before, "status": status}, options)

    def redeliver(self, webhook_id: str, delivery_id: str, **options: Any) -> "WebhookDelivery":
        """Send a delivery again."""
        return self._core.call("POST", f"/v1/webhooks/{_part(webhook_id)}/deliveries/{_part(delivery_id)}/redeliver", **options)

    def rotate(self, webhook_id: str, *, grace_seconds: "Optional[int]" = None, **options: Any) -> "ShownWebhook":
        """Give a webhook a new secret."""
        return self._core.call("POST", f"/v1/webhooks/{_part(webhook_id)}/rotate", query={"grace_seconds": grace_seconds}, **options)

    def test(self, webhook_id: str, **options: Any) -> "WebhookDelivery":
        """Send a test."""
        return self._core.call("POST", f"/v1/webhooks/{_part(webhook_id)}/test", **options)


class Api:
    """All groups of methods."""

    def __init__(self, core: Core):
        self.agents = Agents(core)
        self.files = Files(core)
        self.jobs = JobCalls(core)
        self.keys = Keys(core)
        self.learning = Learning(core)
        self.models = Models(core)
        self.profiles = Profiles(core)
        self.projects = Projects(core)
        self.revisions = Revisions(core)
        self.system = System(core)
        self.tokens = Tokens(core)
        self.webhooks = Webhooks(core)


class Jobs(JobCalls):
    def run(self, request: Dict[str, Any], *, on_event: Optional[Callable[["JobEvent"], None]] = None,
            answer: Optional[Callable[[List["Question"]], List[Dict[str, str]]]] = None) -> "JobDetail":
        """Starts an agent, or the whole pipeline where no agent_type is named, and waits for its end, across lost connections.

        answer gives the answers to questions; without it a job that asks raises JobError, and waits. A job that fails or is cancelled
        raises JobError.
        """
        agents = Agents(self._core)
        begun: Any = agents.run(request) if request.get("agent_type") else agents.run_pipeline(request)  # type: ignore[arg-type]
        job_id = begun["job_id"]
        for event in self.watch(job_id):
            if on_event:
                on_event(event)
            if event["type"] == "waiting":
                answers = answer(event["data"]["questions"]) if answer else None
                if not answers:
                    raise JobError("The job asks, and nobody answers", job_id, event["data"])
                agents.respond(job_id, {"answers": answers})  # type: ignore[typeddict-item]
            elif event["type"] == "error":
                raise JobError(event["data"]["error"], job_id, event["data"])
            elif event["type"] == "cancelled":
                raise JobError("The job was cancelled", job_id, event["data"])
        return self.get(job_id)


class CodeForge(Api):
    """A client of one CodeForge server.

    token is a bearer token, or gives the newest one before each request; retries is how often a request is sent again where that is
    safe; timeout and idle_timeout are seconds: of one answer, and without a byte of a stream (the server says something every 15).
    """

    jobs: Jobs

    def __init__(self, base_url: str, token: Union[str, Callable[[], Optional[str]], None] = None, *, retries: int = 3, timeout: float = 90.0, idle_timeout: float = 45.0):
        core = Core(base_url, token, retries, timeout, idle_timeout)
        super().__init__(core)
        self.jobs = Jobs(core)


class _Async:
    """The methods of a group, each in a thread. What is iterated is iterated with `async for`."""

    def __init__(self, group: Any):
        self._group = group

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._group, name)

        def call(*args: Any, **named: Any) -> Any:
            if name.startswith("watch"):
                return _steps(lambda: method(*args, **named))
            if name.startswith("list"):
                pages = method(*args, **named) if name in getattr(self._group, "_pages", ()) else None
                if pages is not None:
                    return _steps(lambda: iter(pages))
            return asyncio.to_thread(method, *args, **named)

        return call


async def _steps(begin: Callable[[], Iterator[Any]]) -> AsyncIterator[Any]:
    end = object()
    steps = await asyncio.to_thread(begin)
    try:
        while (step := await asyncio.to_thread(next, steps, end)) is not end:
            yield step
    finally:
        try:
            steps.close()  # type: ignore[attr-defined]
        except ValueError:
            pass  # a page that is fetched for nobody


class AsyncCodeForge:
    """CodeForge for asyncio: the same groups and methods; calls are awaited, lists and streams iterated with `async for`."""

    def __init__(self, *args: Any, **named: Any):
        self._client = CodeForge(*args, **named)

    def __getattr__(self, name: str) -> Any:
        return _Async(getattr(self._client, name))
