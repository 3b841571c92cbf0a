// Requests that a job answers: what takes longer than a request is held is waited for.
import { ApiError, call, get } from "../api";
import { t } from "../i18n";
import type { AgentResponse, JobState } from "../schema";

/** answered is the result of a job that a request begins. One that asks something, or fails, is an error. */
export async function answered<T>(path: string, body: unknown): Promise<T> {
  const first = await call<T | AgentResponse>("POST", path, { body });
  if (!(typeof first === "object" && first && "job_id" in first && "status" in first)) return first as T;
  for (;;) {
    const job = await get<JobState>(`v1/jobs/${first.job_id}?wait=30s`);
    if (job.status === "completed") return job.result as T;
    if (job.status === "failed" || job.status === "cancelled") throw new ApiError(job.error ?? t("job.cancelled.text"), 500, "");
    if (job.status === "waiting_for_input") throw new ApiError(t("announce.waiting"), 409, "");
  }
}
