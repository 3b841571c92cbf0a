// What the document of the API leaves out of types that are made of others.
import type * as schema from "./schema";

export type JobDetail = schema.JobState & schema.JobDetail;
export type ShownToken = schema.Token & schema.ShownToken;
