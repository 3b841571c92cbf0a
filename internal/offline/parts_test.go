package offline

import (
	"strings"
	"testing"
)

func TestIdeasNameTheirKindsOfApps(t *testing.T) {
	for idea, want := range map[string]string{
		"A calculator for mortgage payments":         "calculator:mortgage",
		"calculator":                                 "calculator:arithmetic",
		"Tic tac toe":                                "game:tic-tac-toe",
		"a Pomodoro timer with a task list":          "timer:pomodoro",
		"Habit tracker with a heat map":              "heatmap",
		"unit converter, also Fahrenheit to Celsius": "converter:temperature",
		"flash cards for Spanish verbs and a quiz":   "flashcards quiz",
		"quizzes":                                "quiz",
		"My vinyl records and who borrowed them": "",
		"a kanban board and a calendar for my wedding guests": "board calendar",
	} {
		if got := namesOf(partsOf(idea)); strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", idea, got, want)
		}
	}
}
