package codeforge

import "time"

// AgentType names an agent. Builder is the pipeline over the others.
type AgentType string

const (
	Research     AgentType = "research"
	Wireframe    AgentType = "wireframe"
	Code         AgentType = "code"
	QA           AgentType = "qa"
	Pedagogy     AgentType = "pedagogy"
	RoadmapAgent AgentType = "roadmap" // what it makes is a [Roadmap]
	Choice       AgentType = "choice"
	Refactor     AgentType = "refactor"
	Builder      AgentType = "builder"
	Export       AgentType = "github_export"
	Noop         AgentType = "noop"
)

// Agent is what every room knows of an agent: a row of [Agents].
type Agent struct {
	Type  AgentType
	Title string // of its stage, as people read it
	// Stages are the agents that do its work, in order: itself, or those of a pipeline.
	Stages        []AgentType
	EstimatedTime string        // what a client shows while it waits
	TimeLimit     time.Duration // of one run; AGENT_TIMEOUT may shorten it. 0: three times AGENT_TIMEOUT
	MaxOutput     int           // tokens of one answer, thinking included; also what a budget must have room for before a call
	Typical       TypicalUse    // of one run; of a pipeline the sum of its stages
	ChangesFiles  bool          // its jobs on one project run one at a time, in order of submission
	Public        bool          // run-agent takes it
	NoModel       bool          // it asks no model: it has no route, no prompt and no estimate, and says nothing in the conversation
	MaxInput      int           // characters of what its jobs are given; 0: [MaxInput]
}

// TypicalUse is what a run of an agent usually takes: an estimate's guess while there is no history.
type TypicalUse struct {
	Calls, InputTokens, OutputTokens int64 // tokens of one call
	Took                             time.Duration
}

// Agents are all agents, in the order in which a client offers them. To add one: its row here, a route in models.json, its
// prompt, its answer's type and its run function (internal/agent), and what the offline model answers (internal/offline).
var Agents = []Agent{
	{Type: Research, Title: "Researching the idea", EstimatedTime: "2-3 minutes", TimeLimit: 180 * time.Second, MaxOutput: 24_000,
		Typical: TypicalUse{2, 4_000, 3_000, time.Minute}, Public: true},
	{Type: Wireframe, Title: "Laying out pages", EstimatedTime: "3-5 minutes", TimeLimit: 240 * time.Second, MaxOutput: 32_000,
		Typical: TypicalUse{1, 8_000, 6_000, 75 * time.Second}, Public: true},
	{Type: Code, Title: "Writing code", EstimatedTime: "5-10 minutes", TimeLimit: 300 * time.Second, MaxOutput: 32_000,
		Typical: TypicalUse{12, 25_000, 3_000, 4 * time.Minute}, ChangesFiles: true, Public: true},
	{Type: QA, Title: "Reviewing", EstimatedTime: "1-2 minutes", TimeLimit: 120 * time.Second, MaxOutput: 32_000,
		Typical: TypicalUse{2, 25_000, 2_500, 45 * time.Second}, Public: true},
	{Type: Pedagogy, Title: "Preparing the lesson", EstimatedTime: "1-2 minutes", TimeLimit: 120 * time.Second, MaxOutput: 16_000,
		Typical: TypicalUse{1, 10_000, 2_000, 25 * time.Second}, Public: true},
	{Type: RoadmapAgent, Title: "Planning the way", EstimatedTime: "2-3 minutes", TimeLimit: 180 * time.Second, MaxOutput: 24_000,
		Typical: TypicalUse{1, 6_000, 5_000, 45 * time.Second}, Public: true},
	{Type: Choice, Title: "Weighing the options", EstimatedTime: "1-2 minutes", TimeLimit: 120 * time.Second, MaxOutput: 16_000,
		Typical: TypicalUse{1, 10_000, 2_500, 25 * time.Second}},
	{Type: Refactor, Title: "Refactoring", EstimatedTime: "1-2 minutes", TimeLimit: 180 * time.Second, MaxOutput: 32_000,
		Typical: TypicalUse{1, 15_000, 2_500, 25 * time.Second}, ChangesFiles: true, MaxInput: 400_000}, // code of 50,000 characters, as JSON
	{Type: Builder, Title: "Building the app", Stages: []AgentType{Research, Wireframe, Code, QA}, EstimatedTime: "10-15 minutes",
		ChangesFiles: true},
	{Type: Export, Title: "Exporting to GitHub", EstimatedTime: "1-2 minutes", TimeLimit: 30 * time.Minute, NoModel: true},
	// Ends at once, asks no model and reads no project; a server accepts it only while it is being measured.
	{Type: Noop, Title: "Doing nothing", EstimatedTime: "1-2 minutes", TimeLimit: 300 * time.Second, NoModel: true},
}

var agentRows = func() map[AgentType]*Agent {
	rows := make(map[AgentType]*Agent, len(Agents))
	for i := range Agents {
		a := &Agents[i]
		if a.Stages == nil {
			a.Stages = []AgentType{a.Type}
		}
		rows[a.Type] = a
	}
	return rows
}()

// Agent returns the row of an agent, nil for one that does not exist (a job of an older database may name it).
func (t AgentType) Agent() *Agent { return agentRows[t] }

// NoModel reports whether jobs of this type ask no model.
func (t AgentType) NoModel() bool { a := t.Agent(); return a != nil && a.NoModel }

// ChangesFiles reports whether jobs of this type write files.
func (t AgentType) ChangesFiles() bool { a := t.Agent(); return a != nil && a.ChangesFiles }

// Teaches reports whether jobs of this type are for learners, and so are told what those have done.
func (t AgentType) Teaches() bool { return t == Pedagogy || t == RoadmapAgent || t == Choice }

// EstimatedTime is what a client shows while it waits.
func (t AgentType) EstimatedTime() string {
	if a := t.Agent(); a != nil {
		return a.EstimatedTime
	}
	return "1-2 minutes"
}

// TimeLimit is how long one run may take where no agent may take longer than most.
func (t AgentType) TimeLimit(most time.Duration) time.Duration {
	switch a := t.Agent(); {
	case a == nil:
		return most
	case a.NoModel:
		return a.TimeLimit
	case a.TimeLimit == 0:
		return 3 * most
	default:
		return min(a.TimeLimit, most)
	}
}

// AgentTypes are the types of all rows that want accepts, in order.
func AgentTypes(want func(*Agent) bool) []AgentType {
	var types []AgentType
	for i := range Agents {
		if want(&Agents[i]) {
			types = append(types, Agents[i].Type)
		}
	}
	return types
}
