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
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from typing import Any, AsyncIterator, Callable, Dict, Generic, Iterator, List, Literal, Mapping, Optional, TypedDict, TypeVar, Union

__version__ = "0.1.0"

T = TypeVar("T")


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

    def __init__(self, message: str, job_id: str, status: str, data: Dict[str, Any]):
        super().__init__(message)
        self.job_id = job_id
        self.status = status
        self.data = data


class StreamEvent(TypedDict, total=False):
    """One event of a stream. Transient ones, such as words as they are written, have no id."""

    type: str
    id: str
    data: Any


_PAIRED = {"progress", "complete", "error", "cancelled", "waiting"}
_FINAL = {"complete", "error", "cancelled"}


def _backoff(n: int) -> float:
    return min(0.5 * 2**n, 15.0) * random.uniform(0.5, 1.0)


def _part(value: Any, slashes: bool = False) -> str:
    return urllib.parse.quote(str(value), safe="/" if slashes else "")


def _query(values: Optional[Mapping[str, Any]]) -> str:
    pairs = [(k, str(v).lower() if isinstance(v, bool) else str(v)) for k, v in (values or {}).items() if v is not None]
    return "?" + urllib.parse.urlencode(pairs) if pairs else ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:  # a token goes to nobody else
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
             accept: str = "application/json", timeout: Optional[float] = None) -> Any:
        """Sends a request, again where that is safe, and returns the answer unread."""
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
            data = body.encode() if isinstance(body, str) else bytes(body)
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
                return response
            except urllib.error.HTTPError as e:
                error = _failure(e)
                # A request too many was not carried out, whatever it was. Of the others only the server knows.
                again = error.status == 429 or (repeatable and error.status in (502, 503, 504))
                if not again or n >= self.retries or (error.retry_after or 0) > 60:
                    raise error from None
                pause = error.retry_after if error.retry_after is not None else _backoff(n)
            except (OSError, http.client.HTTPException) as e:
                if not repeatable or n >= self.retries:
                    raise CodeForgeError("The server cannot be reached: %s" % e, 0, "NETWORK_ERROR") from e
                pause = _backoff(n)
            n += 1
            time.sleep(pause)

    def call(self, method: str, path: str, **options: Any) -> Any:
        with self.open(method, path, **options) as response:
            return json.load(response)

    def read(self, method: str, path: str, **options: Any) -> bytes:
        with self.open(method, path, accept="*/*", **options) as response:
            return response.read()

    def stream(self, path: str, ends: bool, after: str = "") -> Iterator[StreamEvent]:
        """Reads an event stream, and goes on where it broke, until it has ended or the caller leaves: each stored event once, in order.

        Five kinds of events of a job come twice, named without an id and then with it without a name; they are one here.
        """
        last, broken = after, 0
        while True:
            try:
                with self.open("GET", path, accept="text/event-stream", timeout=self.idle_timeout, headers={"Last-Event-ID": last} if last else {}) as response:
                    if response.status == 204:
                        return  # all was seen
                    pending: Optional[StreamEvent] = None
                    for name, number, text in _frames(response):
                        event: Optional[StreamEvent] = None
                        if not name and number and pending:
                            event = {**pending, "id": number}  # type: ignore[typeddict-item]
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
                            last, broken = event["id"], 0
                        yield event
                        if ends and event["type"] in _FINAL:
                            return
            except CodeForgeError as e:
                if 400 <= e.status < 500 and e.status != 429:
                    raise
            except (OSError, http.client.HTTPException, ValueError):
                pass  # cut, or silent for too long
            time.sleep(_backoff(broken))
            broken += 1


def _failure(e: urllib.error.HTTPError) -> CodeForgeError:
    with e:
        try:
            said = json.loads(e.read(1 << 20))
        except (ValueError, OSError):
            said = {}  # something between here and the server answered
    try:
        after: Optional[float] = float(e.headers.get("Retry-After", ""))
    except ValueError:
        after = None
    return CodeForgeError(said.get("message") or "%d %s" % (e.code, e.reason), e.code, said.get("error", "UNKNOWN"), said.get("details"),
                          said.get("request_id") or e.headers.get("X-Request-ID", ""), after)


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
            more = {"cursor": page["next_cursor"]} if page.get("next_cursor") else {"page": page.get("page", 1) + 1}
            page = self._core.call("GET", self._path, query={**self._given, **more}, **self._options)


class _Group:
    def __init__(self, core: Core):
        self._core = core


# The types and methods of the API.

AgentRequest = TypedDict("AgentRequest", {
    "agent_type": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap']",
    "apply": "Literal['auto', 'review']",
    "if_busy": "Literal['queue', 'reject', 'cancel_running']",
    "input_context": "Dict[str, Any]",
    "project_id": "str",
}, total=False)

AgentResponse = TypedDict("AgentResponse", {
    "estimate": "Estimate",
    "estimated_time": "str",
    "job_id": "str",
    "status": "Literal['queued', 'running', 'waiting_for_input', 'completed', 'cancelled']",
    "stream_url": "str",
}, total=False)

Alive = TypedDict("Alive", {
    "status": "Literal['alive']",
}, total=True)

AnswerPart = TypedDict("AnswerPart", {
    "kind": "Literal['text', 'reasoning', 'refusal', 'tool_call']",
    "name": "str",
    "text": "str",
}, total=False)

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
}, total=True)

ApplyRequest = TypedDict("ApplyRequest", {
    "paths": "List[str]",
    "resolve": "Dict[str, Any]",
}, total=False)

Archived = TypedDict("Archived", {
    "message": "str",
    "project_id": "str",
}, total=True)

Budget = TypedDict("Budget", {
    "id": "str",
    "limit_micro_usd": "int",
    "reserved_micro_usd": "int",
    "scope": "Literal['job', 'project_day', 'project_month', 'user_day', 'user_month']",
    "spent_micro_usd": "int",
}, total=True)

BudgetList = TypedDict("BudgetList", {
    "items": "List[Budget]",
    "unpriced_models": "List[str]",
}, total=True)

BudgetUpdate = TypedDict("BudgetUpdate", {
    "id": "str",
    "limit_micro_usd": "Union[int, None]",
    "limit_usd": "Union[float, None]",
    "scope": "Literal['job', 'project_day', 'project_month', 'user_day', 'user_month']",
}, total=False)

CallAnswer = TypedDict("CallAnswer", {
    "call": "int",
    "error_code": "Union[str, None]",
    "finish_reason": "Union[str, None]",
    "job_id": "str",
    "model": "str",
    "parts": "List[AnswerPart]",
    "refusal": "str",
}, total=False)

CallList = TypedDict("CallList", {
    "count": "int",
    "has_more": "bool",
    "items": "List[ModelCall]",
    "job_id": "str",
    "next_cursor": "Union[str, None]",
}, total=True)

Cancelled = TypedDict("Cancelled", {
    "job_id": "str",
    "message": "str",
    "status": "Literal['cancelled']",
}, total=True)

Check = TypedDict("Check", {
    "message": "str",
    "ms": "float",
    "name": "str",
    "state": "Literal['ok', 'degraded', 'failing']",
}, total=False)

ChoiceFramework = TypedDict("ChoiceFramework", {
    "context": "str",
    "options": "List[ChoiceOption]",
    "recommendation": "str",
    "usage": "Dict[str, Any]",
}, total=True)

ChoiceOption = TypedDict("ChoiceOption", {
    "cons": "List[str]",
    "description": "str",
    "difficulty": "Literal['beginner', 'intermediate', 'advanced']",
    "educational_value": "str",
    "estimated_time": "str",
    "id": "str",
    "pros": "List[str]",
    "title": "str",
}, total=True)

ChoiceRecorded = TypedDict("ChoiceRecorded", {
    "message": "str",
    "module_index": "int",
    "option_id": "str",
}, total=True)

ChoiceRequest = TypedDict("ChoiceRequest", {
    "decision_context": "str",
    "module_index": "int",
}, total=True)

ClarifyRequest = TypedDict("ClarifyRequest", {
    "answers": "List[Dict[str, Any]]",
    "job_id": "str",
    "responses": "List[ResponseEntry]",
}, total=False)

CostRange = TypedDict("CostRange", {
    "p50": "Union[int, None]",
    "p90": "Union[int, None]",
}, total=True)

DeliveryList = TypedDict("DeliveryList", {
    "has_more": "bool",
    "items": "List[WebhookDelivery]",
}, total=True)

Diagnosis = TypedDict("Diagnosis", {
    "findings": "List[Finding]",
}, total=True)

Diagnostic = TypedDict("Diagnostic", {
    "column": "int",
    "control": "str",
    "file": "str",
    "line": "int",
    "message": "str",
    "page": "str",
    "rung": "Literal['parse', 'resolve', 'types', 'bundle', 'run']",
    "severity": "Literal['error', 'warning']",
}, total=False)

DiffCounts = TypedDict("DiffCounts", {
    "added": "int",
    "additions": "int",
    "binary": "int",
    "deleted": "int",
    "deletions": "int",
    "modified": "int",
    "renamed": "int",
}, total=True)

DiffHunk = TypedDict("DiffHunk", {
    "lines": "List[DiffLine]",
    "new_start": "int",
    "old_start": "int",
}, total=True)

DiffLine = TypedDict("DiffLine", {
    "kind": "Literal['context', 'add', 'delete']",
    "text": "str",
}, total=True)

Error = TypedDict("Error", {
    "detail": "str",
    "details": "Dict[str, Any]",
    "error": "str",
    "message": "str",
    "request_id": "str",
    "trace_id": "str",
}, total=False)

Estimate = TypedDict("Estimate", {
    "agent_type": "str",
    "basis": "Literal['history', 'catalog']",
    "cost_estimated": "bool",
    "cost_micro_usd": "CostRange",
    "duration_ms": "Quantiles",
    "jobs": "int",
    "model": "str",
    "tokens": "Quantiles",
}, total=True)

File = TypedDict("File", {
    "content": "str",
    "created_at": "str",
    "encoding": "Literal['base64']",
    "hash": "str",
    "id": "str",
    "language": "str",
    "path": "str",
    "project_id": "str",
    "revision": "int",
    "size": "int",
    "updated_at": "str",
    "version": "int",
}, total=False)

FileBody = TypedDict("FileBody", {
    "content": "str",
    "encoding": "Literal['base64']",
    "language": "str",
    "path": "str",
}, total=False)

FileDeleted = TypedDict("FileDeleted", {
    "message": "str",
    "path": "str",
}, total=True)

FileDiff = TypedDict("FileDiff", {
    "additions": "int",
    "binary": "str",
    "deletions": "int",
    "hunks": "List[DiffHunk]",
    "new_version": "Union[int, None]",
    "old_path": "Union[str, None]",
    "old_version": "Union[int, None]",
    "path": "str",
    "status": "Literal['added', 'modified', 'deleted', 'renamed']",
    "too_large": "bool",
    "unified": "str",
}, total=False)

FileList = TypedDict("FileList", {
    "count": "int",
    "files": "List[File]",
    "project_id": "str",
    "revision": "int",
}, total=True)

FileUpdate = TypedDict("FileUpdate", {
    "content": "str",
    "encoding": "Literal['base64']",
    "language": "str",
}, total=False)

Finding = TypedDict("Finding", {
    "message": "str",
    "part": "str",
    "state": "Literal['ok', 'warning', 'broken']",
    "title": "str",
}, total=True)

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
}, total=True)

GitHubExportRequest = TypedDict("GitHubExportRequest", {
    "commit_message": "str",
    "description": "str",
    "github_token": "str",
    "on_existing": "Literal['auto', 'fast_forward', 'pull_request', 'refuse']",
    "owner": "str",
    "private": "bool",
    "repo_name": "str",
}, total=False)

GitHubImportRequest = TypedDict("GitHubImportRequest", {
    "github_token": "str",
    "ref": "str",
    "repository": "str",
}, total=False)

Health = TypedDict("Health", {
    "dependencies": "Dict[str, Any]",
    "model": "str",
    "service": "str",
    "status": "Literal['healthy', 'degraded']",
    "version": "str",
}, total=True)

Imported = TypedDict("Imported", {
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
    "top_folder": "str",
    "unchanged": "int",
    "updated": "int",
}, total=False)

JobDetail = TypedDict("JobDetail", {
    "agent_type": "Literal['research', 'wireframe', 'code', 'qa', 'pedagogy', 'roadmap', 'choice', 'refactor', 'builder', 'github_export', 'noop']",
    "apply": "Literal['auto', 'review']",
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
    "proposal": "Proposal",
    "queue": "QueueState",
    "result": "Any",
    "retry_of": "Union[str, None]",
    "revision": "Union[int, None]",
    "started_at": "Union[str, None]",
    "status": "Literal['queued', 'running', 'waiting_for_input', 'completed', 'failed', 'cancelled']",
    "updated_at": "str",
    "user_id": "str",
}, total=False)

JobList = TypedDict("JobList", {
    "count": "int",
    "has_more": "bool",
    "items": "List[JobState]",
    "jobs": "List[JobState]",
    "page": "int",
    "page_size": "int",
    "project_id": "str",
    "total": "int",
}, total=True)

JobState = TypedDict("JobState", {
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
    "proposal": "Proposal",
    "queue": "QueueState",
    "result": "Any",
    "retry_of": "Union[str, None]",
    "revision": "Union[int, None]",
    "started_at": "Union[str, None]",
    "status": "Literal['queued', 'running', 'waiting_for_input', 'completed', 'failed', 'cancelled']",
    "updated_at": "str",
    "user_id": "str",
}, total=False)

KeyDeleted = TypedDict("KeyDeleted", {
    "message": "str",
    "provider": "str",
}, total=True)

KeyList = TypedDict("KeyList", {
    "items": "List[ProviderKey]",
    "providers": "List[str]",
}, total=True)

KeyPut = TypedDict("KeyPut", {
    "key": "str",
    "provider": "str",
}, total=True)

KeyTest = TypedDict("KeyTest", {
    "message": "str",
    "provider": "str",
    "state": "Literal['accepted', 'refused', 'unknown', 'lost']",
}, total=True)

LeftOut = TypedDict("LeftOut", {
    "bytes": "int",
    "files": "int",
    "path": "str",
    "reason": "str",
}, total=True)

Lesson = TypedDict("Lesson", {
    "encouragement": "str",
    "further_exploration": "List[str]",
    "key_concept": "str",
    "message": "str",
    "steps": "List[LessonStep]",
    "summary": "str",
    "usage": "Dict[str, Any]",
}, total=True)

LessonStep = TypedDict("LessonStep", {
    "concept": "str",
    "hint": "str",
    "question": "str",
    "step_number": "int",
}, total=True)

Message = TypedDict("Message", {
    "content": "str",
    "created_at": "str",
    "id": "str",
    "is_thinking": "bool",
    "metadata": "Any",
    "project_id": "str",
    "role": "Literal['user', 'assistant', 'system']",
}, total=True)

MessageList = TypedDict("MessageList", {
    "has_more": "bool",
    "items": "List[Message]",
    "next_before": "Union[str, None]",
}, total=True)

ModelAlias = TypedDict("ModelAlias", {
    "model": "str",
    "name": "str",
}, total=True)

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
}, total=True)

ModelList = TypedDict("ModelList", {
    "aliases": "List[ModelAlias]",
    "checked_on": "str",
    "models": "List[ModelState]",
    "routes": "List[ModelRoute]",
    "warnings": "List[ModelWarning]",
}, total=True)

ModelPrice = TypedDict("ModelPrice", {
    "above_prompt": "int",
    "cache_write_micro_usd": "Union[int, None]",
    "cached_read_micro_usd": "Union[int, None]",
    "input_micro_usd": "Union[int, None]",
    "output_micro_usd": "Union[int, None]",
    "valid_from": "Union[str, None]",
}, total=True)

ModelRoute = TypedDict("ModelRoute", {
    "agent": "str",
    "chain": "List[str]",
    "effort": "str",
    "wanted": "List[str]",
}, total=True)

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
}, total=True)

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
}, total=True)

ModelTrialRequest = TypedDict("ModelTrialRequest", {
    "model": "str",
}, total=True)

ModelWarning = TypedDict("ModelWarning", {
    "kind": "Literal['alias', 'ended', 'ending', 'gone', 'unlisted', 'unrouted', 'scaffold']",
    "message": "str",
    "model": "str",
    "route": "Union[str, None]",
    "successor": "Union[str, None]",
}, total=True)

PipelineRequest = TypedDict("PipelineRequest", {
    "agent_type": "str",
    "apply": "Literal['auto', 'review']",
    "if_busy": "Literal['queue', 'reject', 'cancel_running']",
    "input_context": "Dict[str, Any]",
    "project_id": "str",
}, total=False)

PlacedChoiceRequest = TypedDict("PlacedChoiceRequest", {
    "decision_context": "str",
    "module_index": "int",
    "project_id": "str",
}, total=True)

PlacedRefactorRequest = TypedDict("PlacedRefactorRequest", {
    "instruction": "str",
    "path": "str",
    "project_id": "str",
    "selected_code": "str",
    "start_line": "int",
}, total=False)

PlannedModule = TypedDict("PlannedModule", {
    "concepts": "List[str]",
    "description": "str",
    "estimated_hours": "float",
    "exercises": "List[str]",
    "title": "str",
}, total=True)

PlannedRoadmap = TypedDict("PlannedRoadmap", {
    "created_at": "str",
    "current_step_index": "int",
    "id": "str",
    "learning_objectives": "List[str]",
    "modules": "List[PlannedModule]",
    "prerequisites": "List[str]",
    "project_id": "str",
    "total_estimated_hours": "float",
}, total=True)

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
}, total=True)

PreviewErrorList = TypedDict("PreviewErrorList", {
    "items": "List[PreviewError]",
    "revision": "int",
}, total=True)

PreviewState = TypedDict("PreviewState", {
    "diagnostics": "List[Diagnostic]",
    "evidence": "List[Rung]",
    "reason": "str",
    "revision": "int",
    "status": "Literal['ready', 'partial', 'empty', 'no_page', 'needs_server', 'broken', 'unknown']",
    "url": "str",
}, total=True)

Profile = TypedDict("Profile", {
    "avatar_url": "Union[str, None]",
    "created_at": "str",
    "full_name": "Union[str, None]",
    "id": "str",
    "skill_level": "Literal['beginner', 'intermediate', 'advanced']",
    "updated_at": "str",
    "username": "Union[str, None]",
}, total=True)

ProfileDeleted = TypedDict("ProfileDeleted", {
    "id": "str",
    "message": "str",
}, total=True)

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
}, total=True)

ProjectCopy = TypedDict("ProjectCopy", {
    "revision": "int",
    "title": "str",
}, total=False)

ProjectCreate = TypedDict("ProjectCreate", {
    "apply": "Literal['auto', 'review']",
    "description": "str",
    "mode": "Literal['builder', 'student']",
    "tech_stack": "Union[List[str], None]",
    "title": "str",
}, total=False)

ProjectList = TypedDict("ProjectList", {
    "has_more": "bool",
    "items": "List[Project]",
    "page": "int",
    "page_size": "int",
    "total": "int",
}, total=True)

ProjectReport = TypedDict("ProjectReport", {
    "diagnostics": "List[Diagnostic]",
    "entries": "List[str]",
    "evidence": "List[Rung]",
    "files": "int",
    "ok": "bool",
    "project_id": "str",
    "revision": "int",
}, total=True)

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
}, total=True)

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
}, total=True)

ProviderKey = TypedDict("ProviderKey", {
    "created_at": "str",
    "hint": "str",
    "provider": "str",
    "updated_at": "str",
}, total=True)

Quantiles = TypedDict("Quantiles", {
    "p50": "int",
    "p90": "int",
}, total=True)

QuestionRequest = TypedDict("QuestionRequest", {
    "code": "str",
    "file_path": "str",
    "project_id": "str",
    "question": "str",
}, total=False)

QueueState = TypedDict("QueueState", {
    "place": "int",
    "waiting_for": "Literal['free_worker', 'project', 'agent_limit', 'user_limit', 'retry', 'recovery', 'no_worker_running']",
}, total=True)

Readiness = TypedDict("Readiness", {
    "checks": "List[Check]",
    "degraded": "List[str]",
    "isolation": "str",
    "model": "str",
    "status": "Literal['ready']",
    "store": "str",
}, total=False)

RecordChoice = TypedDict("RecordChoice", {
    "module_index": "int",
    "option_id": "str",
}, total=True)

RefactorRequest = TypedDict("RefactorRequest", {
    "instruction": "str",
    "selected_code": "str",
    "start_line": "int",
}, total=False)

RefactorResult = TypedDict("RefactorResult", {
    "applied": "bool",
    "base_revision": "int",
    "changed": "bool",
    "diagnostics": "List[Any]",
    "diff": "str",
    "end_line": "int",
    "evidence": "Any",
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
}, total=False)

Rejected = TypedDict("Rejected", {
    "job_id": "str",
    "message": "str",
    "status": "Literal['completed', 'failed', 'cancelled']",
}, total=True)

ResponseEntry = TypedDict("ResponseEntry", {
    "answer": "Union[str, Dict[str, Any]]",
    "question_id": "Union[str, int]",
}, total=True)

RetryRequest = TypedDict("RetryRequest", {
    "from": "Literal['research', 'wireframe', 'code', 'qa']",
    "if_busy": "Literal['queue', 'reject', 'cancel_running']",
}, total=False)

Revision = TypedDict("Revision", {
    "author": "str",
    "created_at": "str",
    "evidence": "List[Rung]",
    "files_changed": "int",
    "job_id": "Union[str, None]",
    "message": "str",
    "revision": "int",
    "verified": "Union[bool, None]",
}, total=True)

RevisionDiff = TypedDict("RevisionDiff", {
    "base": "int",
    "counts": "DiffCounts",
    "files": "List[FileDiff]",
    "project_id": "str",
    "revision": "int",
    "too_large": "int",
    "unified": "str",
}, total=True)

RevisionList = TypedDict("RevisionList", {
    "has_more": "bool",
    "items": "List[Revision]",
    "page": "int",
    "page_size": "int",
    "total": "int",
}, total=True)

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
}, total=True)

Roadmap = TypedDict("Roadmap", {
    "created_at": "str",
    "current_step_index": "int",
    "id": "str",
    "modules": "List[Dict[str, Any]]",
    "project_id": "str",
}, total=True)

RoadmapRequest = TypedDict("RoadmapRequest", {
    "focus_areas": "List[str]",
    "skill_level": "Literal['beginner', 'intermediate', 'advanced']",
}, total=False)

RoadmapResult = TypedDict("RoadmapResult", {
    "learning_objectives": "List[str]",
    "modules": "List[PlannedModule]",
    "prerequisites": "List[str]",
    "roadmap": "PlannedRoadmap",
    "summary": "str",
    "total_estimated_hours": "float",
    "total_modules": "int",
    "usage": "Dict[str, Any]",
}, total=True)

RoadmapStep = TypedDict("RoadmapStep", {
    "step_index": "int",
}, total=True)

Rung = TypedDict("Rung", {
    "duration_ms": "int",
    "name": "Literal['parse', 'resolve', 'types', 'bundle', 'run']",
    "reason": "str",
    "status": "Literal['passed', 'failed', 'not_checked']",
    "tool": "str",
    "version": "str",
}, total=False)

Screenshot = TypedDict("Screenshot", {
    "page": "str",
    "type": "str",
    "width": "int",
}, total=True)

ScreenshotList = TypedDict("ScreenshotList", {
    "items": "List[Screenshot]",
}, total=True)

Session = TypedDict("Session", {
    "concepts_covered": "List[str]",
    "created_at": "str",
    "duration_minutes": "int",
    "id": "str",
    "project_id": "str",
    "transcript": "List[Dict[str, Any]]",
}, total=True)

SessionCreate = TypedDict("SessionCreate", {
    "concepts_covered": "List[str]",
    "duration_minutes": "int",
    "transcript": "List[Dict[str, Any]]",
}, total=False)

SessionList = TypedDict("SessionList", {
    "count": "int",
    "project_id": "str",
    "sessions": "List[Session]",
}, total=True)

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
}, total=True)

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
}, total=True)

StudentProgress = TypedDict("StudentProgress", {
    "completed_modules": "int",
    "current_module": "str",
    "percent_complete": "float",
    "project_id": "str",
    "roadmap_id": "str",
    "total_modules": "int",
    "total_sessions": "int",
    "total_time_minutes": "int",
}, total=True)

TokenCreate = TypedDict("TokenCreate", {
    "expires_in_days": "int",
    "name": "str",
    "scopes": "List[Literal['read', 'write', 'jobs', 'account']]",
}, total=False)

TokenList = TypedDict("TokenList", {
    "items": "List[TokenRecord]",
}, total=True)

TokenRecord = TypedDict("TokenRecord", {
    "created_at": "str",
    "expires_at": "Union[str, None]",
    "hint": "str",
    "id": "str",
    "last_used_at": "Union[str, None]",
    "name": "str",
    "revoked_at": "Union[str, None]",
    "scopes": "List[Literal['read', 'write', 'jobs', 'account']]",
}, total=True)

TokenRevoked = TypedDict("TokenRevoked", {
    "message": "str",
    "token_id": "str",
}, total=True)

UsageReport = TypedDict("UsageReport", {
    "from": "Union[str, None]",
    "group_by": "Literal['day', 'project', 'job', 'model', 'agent']",
    "items": "List[UsageSum]",
    "to": "Union[str, None]",
    "total": "UsageSum",
}, total=True)

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
}, total=True)

UserJobList = TypedDict("UserJobList", {
    "count": "int",
    "has_more": "bool",
    "items": "List[JobState]",
    "jobs": "List[JobState]",
    "next_cursor": "Union[str, None]",
}, total=True)

WaitlistEntry = TypedDict("WaitlistEntry", {
    "email": "str",
}, total=True)

WaitlistJoined = TypedDict("WaitlistJoined", {
    "message": "str",
}, total=True)

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
}, total=True)

WebhookAttempt = TypedDict("WebhookAttempt", {
    "at": "str",
    "duration_ms": "int",
    "error": "Union[str, None]",
    "response": "str",
    "status": "Union[int, None]",
}, total=True)

WebhookCreate = TypedDict("WebhookCreate", {
    "description": "str",
    "events": "List[Literal['job.queued', 'job.completed', 'job.failed', 'job.cancelled', 'job.waiting_for_input', 'job.kept', 'revision.created', 'project.created', 'project.updated', 'project.archived', 'webhook.disabled']]",
    "url": "str",
}, total=False)

WebhookDeleted = TypedDict("WebhookDeleted", {
    "message": "str",
    "webhook_id": "str",
}, total=True)

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
}, total=True)

WebhookList = TypedDict("WebhookList", {
    "items": "List[Webhook]",
}, total=True)

WebhookUpdate = TypedDict("WebhookUpdate", {
    "description": "str",
    "enabled": "bool",
    "events": "List[Literal['job.queued', 'job.completed', 'job.failed', 'job.cancelled', 'job.waiting_for_input', 'job.kept', 'revision.created', 'project.created', 'project.updated', 'project.archived', 'webhook.disabled']]",
    "url": "str",
}, total=False)

WorkingFile = TypedDict("WorkingFile", {
    "change": "Literal['created', 'updated', 'none']",
    "content": "str",
    "encoding": "Literal['base64']",
    "language": "str",
    "path": "str",
    "size": "int",
}, total=False)

WorkingList = TypedDict("WorkingList", {
    "count": "int",
    "deleted": "List[str]",
    "files": "List[WorkingFile]",
    "job_id": "str",
    "project_id": "str",
    "revision": "int",
    "status": "Literal['queued', 'running', 'waiting_for_input', 'completed', 'failed', 'cancelled']",
}, total=True)


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
        return self._core.read("GET", f"/v1/projects/{_part(project_id)}/archive.tar.gz", query={"revision": revision}, **options)

    def export_zip(self, project_id: str, *, revision: "Optional[int]" = None, **options: Any) -> bytes:
        """Export as zip."""
        return self._core.read("GET", f"/v1/projects/{_part(project_id)}/archive.zip", query={"revision": revision}, **options)

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

    def get(self, project_id: str, path: str, *, raw: "Optional[bool]" = None, **options: Any) -> "File":
        """Read a file."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}/files/{_part(path, True)}", query={"raw": raw}, **options)

    def update(self, project_id: str, path: str, body: "Union[FileUpdate, str, bytes]", **options: Any) -> "File":
        """Replace a file's content."""
        return self._core.call("PUT", f"/v1/projects/{_part(project_id)}/files/{_part(path, True)}", body=body, **options)

    def refactor(self, project_id: str, path: str, body: "RefactorRequest", *, apply: "Optional[bool]" = None, **options: Any) -> "RefactorResult":
        """Refactor a part of a file."""
        return self._core.call("POST", f"/v1/projects/{_part(project_id)}/files/{_part(path, True)}/refactor", body=body, query={"apply": apply}, keyed=True, **options)

    def import_project(self, project_id: str, body: "Union[Dict[str, Any], str, bytes]", *, mode: "Optional[Literal['merge', 'replace']]" = None, **options: Any) -> "Imported":
        """Import an archive."""
        return self._core.call("POST", f"/v1/projects/{_part(project_id)}/import", body=body, query={"mode": mode}, **options)

    def import_github(self, project_id: str, body: "GitHubImportRequest", *, mode: "Optional[Literal['merge', 'replace']]" = None, **options: Any) -> "Imported":
        """Import a repository from GitHub."""
        return self._core.call("POST", f"/v1/projects/{_part(project_id)}/import/github", body=body, query={"mode": mode}, **options)

    def refactor_placed(self, body: "PlacedRefactorRequest", *, apply: "Optional[bool]" = None, **options: Any) -> "RefactorResult":
        """Refactor a part of a file, with its place in the body."""
        return self._core.call("POST", "/v1/refactor", body=body, query={"apply": apply}, keyed=True, **options)


class JobCalls(_Group):
    _pages = {"list", "list_calls", "list_of_project"}

    def watch_all(self, after: str = "") -> Iterator[StreamEvent]:
        """Watch all of one's jobs."""
        return self._core.stream("/v1/events", False, after)

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

    def watch(self, job_id: str, after: str = "") -> Iterator[StreamEvent]:
        """Watch a job."""
        return self._core.stream(f"/v1/jobs/{_part(job_id)}/stream", True, after)

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

    def get_roadmap(self, project_id: str, **options: Any) -> "Roadmap":
        """Read the roadmap."""
        return self._core.call("GET", f"/v1/student/{_part(project_id)}/roadmap", **options)

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
        return self._core.read("GET", "/v1/profiles/me/export", **options)

    def join_waitlist(self, body: "WaitlistEntry", **options: Any) -> "WaitlistJoined":
        """Join the waitlist."""
        return self._core.call("POST", "/v1/waitlist/", body=body, **options)


class Projects(_Group):
    _pages = {"list"}

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

    def watch(self, project_id: str, after: str = "") -> Iterator[StreamEvent]:
        """Watch a project."""
        return self._core.stream(f"/v1/projects/{_part(project_id)}/events", False, after)

    def list_messages(self, project_id: str, *, limit: "Optional[int]" = None, before: "Optional[str]" = None, role: "Optional[Literal['user', 'assistant', 'system']]" = None, thinking: "Optional[bool]" = None, **options: Any) -> "MessageList":
        """Read the conversation."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}/messages", query={"limit": limit, "before": before, "role": role, "thinking": thinking}, **options)

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

    def get(self, project_id: str, revision: int, *, content: "Optional[bool]" = None, **options: Any) -> "RevisionState":
        """Read a revision."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}/revisions/{_part(revision)}", query={"content": content}, **options)

    def diff(self, project_id: str, revision: int, *, from_: "Optional[int]" = None, format: "Optional[Literal['json', 'patch']]" = None, **options: Any) -> "RevisionDiff":
        """Compare a revision."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}/revisions/{_part(revision)}/diff", query={"from": from_, "format": format}, **options)

    def restore(self, project_id: str, revision: int, **options: Any) -> "Revision":
        """Restore a revision."""
        return self._core.call("POST", f"/v1/projects/{_part(project_id)}/revisions/{_part(revision)}/restore", **options)

    def get_screenshot(self, project_id: str, revision: int, *, page: "Optional[str]" = None, width: "Optional[int]" = None, **options: Any) -> bytes:
        """Look at a page."""
        return self._core.read("GET", f"/v1/projects/{_part(project_id)}/revisions/{_part(revision)}/screenshot", query={"page": page, "width": width}, **options)

    def list_screenshots(self, project_id: str, revision: int, **options: Any) -> "ScreenshotList":
        """List screenshots."""
        return self._core.call("GET", f"/v1/projects/{_part(project_id)}/revisions/{_part(revision)}/screenshots", **options)


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

    def list_deliveries(self, webhook_id: str, *, limit: "Optional[int]" = None, before: "Optional[str]" = None, status: "Optional[Literal['pending', 'delivered', 'failed']]" = None, **options: Any) -> "DeliveryList":
        """List deliveries."""
        return self._core.call("GET", f"/v1/webhooks/{_part(webhook_id)}/deliveries", query={"limit": limit, "before": before, "status": status}, **options)

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
    def run(self, request: Dict[str, Any], *, on_event: Optional[Callable[[StreamEvent], None]] = None,
            answer: Optional[Callable[[List[Dict[str, Any]]], List[Dict[str, str]]]] = None) -> "JobDetail":
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
            data = event["data"]
            if event["type"] == "waiting":
                questions = data.get("questions") or (data.get("result") or {}).get("questions") or []
                answers = answer(questions) if answer else None
                if not answers:
                    raise JobError("The job asks, and nobody answers", job_id, "waiting_for_input", data)
                agents.respond(job_id, {"answers": answers})  # type: ignore[typeddict-item]
            elif event["type"] in ("error", "cancelled"):
                raise JobError(data.get("error") or "The job was %s" % data.get("status"), job_id, data.get("status", ""), data)
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
        close = getattr(steps, "close", None)
        if close:
            await asyncio.to_thread(close)


class AsyncCodeForge:
    """CodeForge for asyncio: the same groups and methods; calls are awaited, lists and streams iterated with `async for`."""

    def __init__(self, *args: Any, **named: Any):
        self._client = CodeForge(*args, **named)

    def __getattr__(self, name: str) -> Any:
        return _Async(getattr(self._client, name))
