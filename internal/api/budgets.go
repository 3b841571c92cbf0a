package api

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
	"codeforge/internal/llm"
)

// maxLimit is a billion dollars, in micro-dollars.
const maxLimit = 1_000_000_000_000_000

type budgetsInput struct {
	ProjectID string `query:"project_id" format:"uuid" doc:"Also the ceilings on this project."`
	JobID     string `query:"job_id" format:"uuid" doc:"Also the ceilings on this job."`
}

// budget is a [codeforge.Budget] with words for the specification.
type budget struct {
	Scope    string `json:"scope" enum:"job,project_day,project_month,user_day,user_month" doc:"What it limits, and for how long. Days and months are those of UTC."`
	ID       string `json:"id" format:"uuid" doc:"Of the job, project or user."`
	Limit    int64  `json:"limit_micro_usd" doc:"In millionths of a dollar. The lower one of the server's ceiling and the caller's own."`
	Spent    int64  `json:"spent_micro_usd" doc:"In this day or month, or by this job."`
	Reserved int64  `json:"reserved_micro_usd" doc:"What calls that run now may cost at most."`
}

type budgetList struct {
	Items    []budget `json:"items" doc:"Ceilings in force. What has none is not there."`
	Unpriced []string `json:"unpriced_models" doc:"Models on the routes whose price is not known: their calls count 0 against every budget. MODELS_FILE can price them."`
}

type budgetsOutput struct{ Body budgetList }

func (s *server) listBudgets(ctx context.Context, in *budgetsInput) (*budgetsOutput, error) {
	if s.Ledger == nil {
		return nil, errNoModels
	}
	return s.budgets(ctx, strings.ToLower(in.ProjectID), strings.ToLower(in.JobID))
}

func (s *server) budgets(ctx context.Context, projectID, jobID string) (*budgetsOutput, error) {
	list, err := s.Ledger.Budgets(ctx, caller(ctx), projectID, jobID)
	if err != nil {
		return nil, err
	}
	out := budgetList{make([]budget, len(list)), []string{}}
	if s.Models != nil {
		r := s.Models()
		out.Unpriced = append(out.Unpriced, r.Catalog.Unpriced(r.Configured(), time.Now())...)
	}
	for i, b := range list {
		out.Items[i] = budget(b)
	}
	return &budgetsOutput{out}, nil
}

// microLimit and dollarLimit are a ceiling, or null, which lifts it. A float64 holds every number up to maxLimit.
type (
	microLimit  struct{ nullable[*float64] }
	dollarLimit struct{ nullable[*float64] }
)

func (*microLimit) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeInteger, Format: "int64", Nullable: true, Minimum: new(0.0), Maximum: new(float64(maxLimit)),
		Description: "The ceiling in millionths of a dollar; null lifts it."}
}

func (*dollarLimit) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Nullable: true, Minimum: new(0.0), Maximum: new(maxLimit / 1e6),
		Description: "The same in dollars, instead of limit_micro_usd."}
}

type budgetUpdate struct {
	Scope string      `json:"scope" enum:"job,project_day,project_month,user_day,user_month"`
	ID    string      `json:"id,omitempty" minLength:"36" maxLength:"36" format:"uuid" doc:"Of the job or project. For a user it may be left out: it is the caller."`
	Micro microLimit  `json:"limit_micro_usd,omitzero"`
	USD   dollarLimit `json:"limit_usd,omitzero"`
}

type setBudgetInput struct{ Body budgetUpdate }

func (in *setBudgetInput) Resolve(huma.Context) []error {
	b := &in.Body
	var errs []error
	switch {
	case !b.Micro.set && !b.USD.set:
		errs = append(errs, fieldError{"limit_micro_usd", "Field required, or limit_usd; null lifts the ceiling", "missing"})
	case b.Micro.set && b.USD.set:
		errs = append(errs, fieldError{"limit_usd", "Send either limit_micro_usd or limit_usd", "value_error"})
	}
	if b.ID == "" && !strings.HasPrefix(b.Scope, "user_") {
		errs = append(errs, fieldError{"id", "Field required", "missing"})
	}
	return errs
}

func (s *server) setBudget(ctx context.Context, in *setBudgetInput) (*budgetsOutput, error) {
	if s.Ledger == nil {
		return nil, errNoModels
	}
	b, u := &in.Body, caller(ctx)
	var most *int64
	switch {
	case b.Micro.value != nil:
		most = new(int64(*b.Micro.value))
	case b.USD.value != nil:
		most = new(int64(math.Round(*b.USD.value * 1e6)))
	}
	scope, id := llm.BudgetScope(b.Scope), u.ID
	if b.ID != "" {
		var err error
		if id, err = codeforge.ParseID(b.ID); err != nil {
			return nil, err
		}
	}
	x, _ := exchangeOf(ctx)
	x.names("scope", string(scope))
	x.names("id", id)
	if err := s.Ledger.SetBudget(ctx, u, scope, id, most); err != nil {
		return nil, err
	}
	switch scope {
	case llm.BudgetJob:
		return s.budgets(ctx, "", id)
	case llm.BudgetProjectDay, llm.BudgetProjectMonth:
		return s.budgets(ctx, id, "")
	}
	return s.budgets(ctx, "", "")
}
