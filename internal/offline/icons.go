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
		"people":   "clients customers guests members students patients tenants players employees volunteers teams families participants attendees candidates children signups visitors testimonials competitors influencers speakers sponsors donors ancestors applicants league-teams line-ups combatants adoption-applications",
		"person":   "contacts suppliers friends teachers babysitters contractors emergency-contacts artists characters therapy-sessions",
		"paw":      "dogs pets cats animals horses farm-animals hens broods tricks vet-visits bird-sightings sightings pokemons monsters",
		"task":     "tasks chores habits issues follow-ups tickets checks check-ins goals-done home-maintenance-jobs renovations laundry-loads test-cases work-orders maintenance-requests decisions feature-requests admissions scholarships grants",
		"folder":   "projects documents files belongings moving-boxes warranties insurance-policies permits contracts leases certifications travel-documents court-cases company-assets job-applications",
		"note":     "notes moods entries ideas articles posts thoughts letters manuscripts submissions lesson-plans behaviour-notes jokes phrases dreams gratitude-entries bible-verses sermons prayers interviews performance-reviews code-snippets fountain-pens",
		"pot":      "recipes meals dishes ingredients cakes breads fridge-items preserves bakes batches cheeses cocktails sauces food-entries restaurants menu-items food-waste-entries starter-feedings baby-feedings",
		"cart":     "shopping-items products orders sales items groceries packages purchase-orders product-returns price-checks clothes outfits sneakers",
		"book":     "books loans words poems stories chapters papers thesis-chapters comics study-sessions flashcards setlists links",
		"film":     "movies episodes shows videos video-games film-rolls",
		"music":    "songs albums vinyl-records records concerts instruments practice-sessions musical-instruments podcasts",
		"dumbbell": "workouts exercises runs trainings matches games gym-exercises gym-records races swims climbs ski-days golf-rounds bowling-games surf-sessions shooting-sessions step-counts player-stats competitions",
		"target":   "goals targets milestones savings-goals achievements baby-milestones key-results rewards",
		"coin":     "expenses invoices payments budgets incomes bills subscriptions accounts transactions donations deals quotes savings reimbursements coins bets trades dividends bank-accounts net-worth-items budget-lines allowances payslips estimates commissions coupons gift-cards tax-deductions debts investments rent-payments car-expenses casino-sessions tombola-tickets",
		"calendar": "appointments events bookings meetings shifts rehearsals lessons birthdays visits event-tickets table-reservations timetable-slots talks parent-meetings playdates leave-requests waste-collections viewings",
		"clock":    "times hours-worked nights sessions waterings feedings walks naps fasts contractions wristwatches speedruns delays screen-time-entries pumping-sessions",
		"car":      "cars vehicles trips-by-car refuels rides bikes tyres service-records mileage-entries charging-sessions fuel-fills freight-loads parking-spots bike-rides",
		"tools":    "repairs tools maintenance-jobs jobs inspections equipment appliances craft-projects model-kits pottery-pieces print-jobs filament-spools patterns materials fabrics yarns safety-incidents",
		"home":     "properties rooms houses apartments cottages paint-colours keys accommodations hotel-rooms tables",
		"leaf":     "plants houseplants seeds harvests beds gardens hives crops trees garden-beds plots plantings farm-fields mushrooms national-parks sprayings discoveries rocks egg-collections",
		"health":   "medications symptoms doses measurements weights vaccinations treatments doctor-visits lab-results medication-doses migraines periods pregnancy-weeks glucose-readings fever-readings blood-pressure-readings pulse-readings allergies reactions cravings bowel-movements blood-donations anxiety-episodes skincare-products weigh-ins body-measurements growth-records diaper-changes cigarettes",
		"school":   "courses subjects classes homework assignments exams grades school-grades school-subjects skills",
		"map":      "trips places countries hikes routes locations stops itinerary-stops geocaches coordinates sailing-trips escape-rooms",
		"gift":     "gifts wishes presents greeting-cards collectibles keepsakes jewellery perfumes soap-batches lego-sets puzzles",
		"mail":     "messages mails campaigns subscribers newsletters phone-calls marketing-campaigns keywords",
		"flask":    "experiments samples brews beers wines coffees teas chemicals lab-samples water-tests whiskies alcohol-drinks espresso-shots",
		"camera":   "photos pictures shoots cameras artworks tattoos costumes",
		"plane":    "flights journeys vacations travels pilot-flights",
		"question": "questions",
		"cards":    "cards decks trading-cards card-decks magic-items spells stamps",
		"chart":    "reports results scores readings utility-readings solar-readings reviews votes weather-readings",
		"heart":    "baby-names",
		"drop":     "dives milkings aquariums catches",
		"sun":      "sky-observations activities",
		"star":     "quests",
		"flag":     "risks changes sprints domains",
		"grid":     "servers software-licences wifi-networks password-hints phone-plans",
		"game":     "chess-matches game-nights fantasy-players",
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
