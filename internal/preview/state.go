package preview

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"slices"
	"strings"

	"codeforge"
	"codeforge/internal/verify"
)

// Status is whether a preview shows a project, or what keeps it from that.
type Status string

const (
	Ready       Status = "ready"
	Part        Status = "partial"      // without something that it loads
	Empty       Status = "empty"        // there are no files yet
	NoPage      Status = "no_page"      // nothing in it is for a browser
	Broken      Status = "broken"       // it does not build
	NeedsServer Status = "needs_server" // it is a program that runs elsewhere
)

// State is what a preview shows, in words for people.
type State struct {
	Status   Status
	Title    string
	Reason   string // why it shows no more than it does; "" when nothing is missing
	Revision int64  // that is shown; of a working tree, the one that it lies on
	Report   verify.Report
}

// Shows reports whether there is a page of the project to be seen.
func (st State) Shows() bool { return st.Status == Ready || st.Status == Part }

// State builds a project of u at a revision (0: the newest), unless that was done, and says what its preview shows.
func (s *Server) State(ctx context.Context, u codeforge.User, projectID string, revision int64) (State, error) {
	id := strings.ToLower(projectID)
	return s.stateOf(ctx, u, site{label: labelOf(id, revision), project: id, revision: revision})
}

// JobState is State for the working tree of a job.
func (s *Server) JobState(ctx context.Context, u codeforge.User, jobID string) (State, error) {
	id := strings.ToLower(jobID)
	return s.stateOf(ctx, u, site{label: id + jobLabel, job: id})
}

func (s *Server) stateOf(ctx context.Context, u codeforge.User, at site) (State, error) {
	project, tree, err := s.look(ctx, u, at)
	if err != nil {
		return State{}, err
	}
	b, err := s.built(ctx, u, at, project.Revision, tree)
	if err != nil {
		return State{}, err
	}
	return b.state(), nil
}

// state says what a build shows.
func (b *build) state() State {
	st := State{Status: Ready, Revision: b.revision, Report: b.report}
	switch {
	case b.empty:
		st.Status, st.Title = Empty, "Nothing to see yet"
		st.Reason = "This project has no files so far. Its preview appears here as soon as it has."
	case b.site == nil:
		st.Status, st.Title = Broken, "This project does not build yet"
		errors := 0
		for _, d := range b.report.Diagnostics {
			if d.Severity == verify.SeverityError {
				errors++
			}
		}
		st.Reason = "These findings stand in the way of a preview."
		if errors > 0 {
			st.Reason = fmt.Sprintf("%s in the way of a preview.", countOf(errors, "finding stands", "findings stand"))
		}
	case b.site.Home != "":
		home, _ := b.site.Find(b.site.Home)
		what, _, elsewhere := strings.Cut(home.Body, runsElsewhere+"</title>")
		if i := slices.IndexFunc(b.report.Diagnostics, saysElsewhere); i >= 0 {
			st.Status, st.Title, st.Reason = Part, "A part runs elsewhere", b.report.Diagnostics[i].Message
		} else if i := slices.IndexFunc(b.report.Diagnostics, cannotLoad); i >= 0 {
			st.Status, st.Title, st.Reason = Part, "Something is missing", b.report.Diagnostics[i].Message
		}
		if elsewhere {
			st.Status, st.Title = NeedsServer, html.UnescapeString(what[strings.LastIndexByte(what, '>')+1:])+runsElsewhere
			st.Reason = cmp.Or(st.Reason, "A preview shows what browsers run. Its files are checked all the same.")
		}
	default:
		st.Status, st.Title = NoPage, "Nothing to show"
		st.Reason = "This project has files, but none that a browser can show as a page."
	}
	return st
}

// runsElsewhere ends the title of the page that stands in for a program that no browser runs, and the finding that says so.
const runsElsewhere = " does not run here"

func saysElsewhere(d verify.Diagnostic) bool {
	return strings.HasPrefix(d.Message, "This is ") && strings.Contains(d.Message, runsElsewhere)
}

// cannotLoad reports whether a finding is that something stands in for a module, which the program then fails over.
func cannotLoad(d verify.Diagnostic) bool {
	return strings.HasPrefix(d.Message, "This needs ") && strings.Contains(d.Message, "which a")
}

func countOf(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
