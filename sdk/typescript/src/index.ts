import { Agents, Api, Jobs as JobCalls } from "./api.js";
import type { AgentRequest, AnswerSet, JobDetail, JobEvent, PipelineRequest, Question } from "./api.js";
import { type CallOptions, Core, JobError, type Options } from "./runtime.js";

export * from "./api.js";
export { CodeForgeError, JobError, Pages } from "./runtime.js";
export type { CallOptions, Options, Page, PassingEvent, StoredEvent, StreamEvent, Upload, WatchOptions } from "./runtime.js";

export interface RunOptions extends CallOptions {
  /** Is told of every event. */
  onEvent?: (event: JobEvent) => void;
  /** Gives the answers to questions, by question. Without it a job that asks ends the run with a JobError; the job itself waits. */
  answer?: (questions: Question[]) => AnswerSet["answers"] | Promise<AnswerSet["answers"]>;
}

export class Jobs extends JobCalls {
  constructor(core: Core) {
    super(core);
  }

  /**
   * Starts an agent, or the whole pipeline where no agent is named, and waits for its end, across lost connections.
   * A job that fails or is cancelled throws a JobError.
   */
  async run(request: AgentRequest | PipelineRequest, options: RunOptions = {}): Promise<JobDetail> {
    const { onEvent, answer, ...call } = options;
    const agents = new Agents(this.core);
    const named = "agent_type" in request && request.agent_type;
    const { job_id } = named ? await agents.run(request as AgentRequest, call) : await agents.runPipeline(request as PipelineRequest, call);
    for await (const event of this.watch(job_id, { signal: call.signal })) {
      onEvent?.(event);
      if (event.type === "waiting") {
        const answers = await answer?.(event.data.questions);
        if (!answers) throw new JobError("The job asks, and nobody answers", job_id, event.data);
        await agents.respond(job_id, { answers }, { signal: call.signal });
      } else if (event.type === "error" || event.type === "cancelled") {
        throw new JobError("error" in event.data ? event.data.error : "The job was cancelled", job_id, event.data);
      }
    }
    return this.get(job_id, {}, { signal: call.signal });
  }
}

/** A client of one CodeForge server. */
export class CodeForge extends Api {
  override readonly jobs: Jobs;

  constructor(options: Options) {
    const core = new Core(options);
    super(core);
    this.jobs = new Jobs(core);
  }
}
