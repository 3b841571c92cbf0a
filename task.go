package codeforge

// Task is one claim of a job as an agent sees it: what to do, on what, and whom to tell.
type Task struct {
	Job     Job
	Project Project
	Files   []File // the project at Job.Base, sorted by path; read only
	Memory  Memory // what went on before
	// Report tells of progress (0 to 100; negative: unchanged) and of events, stored or transient, in order. It never
	// fails: when the claim is lost, the context of the task ends. Events need Type and Data only.
	Report func(progress float64, events ...Event)
}
