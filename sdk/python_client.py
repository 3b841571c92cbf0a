

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
