package offline

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"sync"
)

// drawing is an icon: its name, and the path that draws it.
type drawing struct{ Name, Path string }

// icons are those that apps can show.
var icons = sync.OnceValue(func() (out []drawing) {
	text, err := templates.ReadFile("templates/icons.txt")
	if err != nil {
		panic(err) // it is part of this program
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if name, path, ok := strings.Cut(line, " "); ok && name != "#" {
			out = append(out, drawing{name, path})
		}
	}
	return out
})

// iconMarkup draws an icon in a page, beside words that say what it means.
func iconMarkup(name string) template.HTML {
	i := slices.IndexFunc(icons(), func(d drawing) bool { return d.Name == name })
	if i < 0 {
		panic(fmt.Sprintf("there is no icon %q", name)) // names are our own
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="` + icons()[i].Path + `"></path></svg>`)
}

// kindIcons are the icons of kinds, by their keys.
var kindIcons = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for icon, keys := range map[string]string{
		"people": "clients customers guests members students patients tenants players employees volunteers teams families participants attendees candidates", "person": "contacts suppliers friends teachers",
		"paw": "dogs pets cats animals horses", "task": "tasks chores habits issues follow-ups tickets checks check-ins goals-done", "folder": "projects documents files", "note": "notes moods entries ideas articles posts thoughts letters",
		"pot": "recipes meals dishes ingredients cakes breads", "cart": "shopping-items products orders sales items groceries", "book": "books loans words poems stories chapters", "film": "movies episodes shows videos", "music": "songs albums vinyl-records records concerts instruments",
		"dumbbell": "workouts exercises runs trainings matches games", "target": "goals targets milestones", "coin": "expenses invoices payments budgets incomes bills subscriptions accounts transactions donations deals quotes savings", "calendar": "appointments events bookings meetings shifts rehearsals lessons birthdays visits",
		"clock": "times hours-worked nights sessions waterings feedings walks", "car": "cars vehicles trips-by-car refuels rides bikes", "tools": "repairs tools maintenance-jobs jobs inspections equipment", "home": "properties rooms houses apartments cottages", "leaf": "plants houseplants seeds harvests beds gardens hives crops trees",
		"health": "medications symptoms doses measurements weights vaccinations treatments", "school": "courses subjects classes homework assignments exams grades", "map": "trips places countries hikes routes locations stops", "gift": "gifts wishes presents", "mail": "messages mails campaigns subscribers newsletters",
		"flask": "experiments samples brews beers wines coffees teas", "camera": "photos pictures shoots", "plane": "flights journeys vacations travels", "question": "questions", "cards": "cards decks", "chart": "reports results scores readings",
	} {
		for key := range strings.FieldsSeq(keys) {
			out[key] = icon
		}
	}
	return out
})

// Icon is the name of the kind's icon: that of its key, of the last word of it, or of what the lexicon calls it, else one by how it is
// shown.
func (k kind) Icon() string {
	if icon, ok := kindIcons()[k.Key]; ok {
		return icon
	}
	_, last := beforeLast(k.Key, "-")
	if icon, ok := kindIcons()[last]; ok {
		return icon
	}
	if icon, ok := kindIcons()[k.lexiconKey()]; ok {
		return icon
	}
	switch {
	case k.View == "board":
		return "task"
	case k.hasDate() && k.View == "table":
		return "calendar"
	}
	return "box"
}

// lexiconKey is the key of the lexicon's kind that the kind's name stands for, whatever it is called here; "" for none.
func (k kind) lexiconKey() string {
	said := strings.ReplaceAll(k.One, " ", "-")
	for range 3 {
		if e := words().kinds[words().alike[said]]; e != nil {
			return e.Key
		}
		_, rest, ok := strings.Cut(said, "-")
		if !ok {
			break
		}
		said = rest
	}
	return ""
}
