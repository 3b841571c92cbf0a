package offline

import "regexp"

// domains are what apps are about, as words tell it, with the palette that suits each. The first that fits counts.
var domains = []struct {
	words   *regexp.Regexp
	palette string
}{
	{regexp.MustCompile(`(?i)\b(baker|bread|cake|pastr|coffee|caf[eé]|recipe|rezept|receta|recette|cook|kitchen|restaurant|pizza|meal|grocer)`), "amber"},
	{regexp.MustCompile(`(?i)\b(doctor|clinic|patient|medic|health|dentist|dental|therap|nurse|hospital|pill|symptom|bmi|calori|blood|vet)`), "calm"},
	{regexp.MustCompile(`(?i)\b(garden|plant|houseplant|farm|bee|hive|tree|hik|camp|snake|forest|bird|dog|pet)`), "moss"},
	{regexp.MustCompile(`(?i)\b(blackjack|higher or lower|card game|solitaire|poker|casino|money|budget|expense|bank|tax|financ|invest|mortgage|loan|salary|savings|interest|invoice|accounting|vat|currency|hypothek|hipoteca|rechnung)`), "felt"},
	{regexp.MustCompile(`(?i)\b(wine|beer|whisky|brew|movie|film|cinema|theat|music|song|vinyl|band|guitar|concert|choir)`), "berry"},
	{regexp.MustCompile(`(?i)\b(sleep|meditat|mood|yoga|dream|diary|journal|tea|night)`), "lavender"},
	{regexp.MustCompile(`(?i)\b(kid|child|baby|toy|birthday|wedding|party|gift|tic[ -]tac|noughts|memory|morpion|tres en raya|daughter|son)`), "rose"},
	{regexp.MustCompile(`(?i)\b(gym|workout|run|running|fitness|sport|football|soccer|training|hiit|tabata|boxing|interval|pace|martial)`), "brick"},
	{regexp.MustCompile(`(?i)\b(travel|trip|flight|holiday|vacation|sea|sail|surf|swim|fish|boat|beach|weather|cottage)`), "ocean"},
	{regexp.MustCompile(`(?i)\b(car|vehicle|garage|hardware|repair|tool|fuel|motor|workshop|construct|2048|connect four|connect 4|four in a row|vier gewinnt)`), "rust"},
	{regexp.MustCompile(`(?i)\b(school|student|study|course|teacher|exam|homework|tutor|quiz|trivia|sudoku|class|lesson|gpa|grade)`), "indigo"},
	{regexp.MustCompile(`(?i)\b(book|librar|writ|poem|novel|language|verb|flash ?card|vocab|vokabel|art|photo)`), "plum"},
	{regexp.MustCompile(`(?i)\b(habit|streak|life|chore|clean|converter|units?|convert|measure)`), "teal"},
	{regexp.MustCompile(`(?i)\b(minesweeper|bug|server|inventory|stock|asset|property|tenant|shift|sliding|stopwatch|calculator)`), "slate"},
}

// domainPalette is the palette for what a text is about; "" where no word tells it.
func domainPalette(text string) string {
	for _, d := range domains {
		if d.words.MatchString(text) {
			return d.palette
		}
	}
	return ""
}
