package offline

// shape is what the idea says of records that the lexicon does not have: whether they are logged, collected, counted or ticked off.
type shape string

const (
	plainShape      shape = ""
	logShape        shape = "log"
	collectionShape shape = "collection"
	inventoryShape  shape = "inventory"
	checklistShape  shape = "checklist"
)

var (
	logWords        = wordSet("log diary journal logbook log-book logger recorder")
	collectionWords = wordSet("collection catalog catalogue library archive album museum")
)

// shape tells it by what is to be made, and by the verbs.
func (r *reading) shape() shape {
	if r.program != nil {
		switch head := r.program.head().low; {
		case logWords[head]:
			return logShape
		case collectionWords[head]:
			return collectionShape
		case head == "inventory":
			return inventoryShape
		case head == "checklist":
			return checklistShape
		}
	}
	for _, w := range r.words {
		switch base := w.base(); {
		case w.class != verbWord:
		case base == "log":
			return logShape
		case base == "collect" || base == "catalogue" || base == "catalog":
			return collectionShape
		}
	}
	return plainShape
}

// unknownFields are fields that suit anything of a shape, by how it is called; view is how it is best shown, "" where any will do.
func unknownFields(s shape, one string) (fields []field, view string) {
	name, notes := field{Label: "Name", Type: "text", Required: true}, field{Label: "Notes", Type: "notes"}
	_, head := beforeLast(one, " ")
	switch {
	case agentive(head) || english().is("person", head) && s != logShape:
		return []field{name, {Label: "Phone", Type: "phone", guessed: true}, {Label: "Email", Type: "email", guessed: true}, notes}, "cards"
	case s == logShape:
		return []field{{Label: "Date", Type: "date", Required: true}, {Label: "What", Type: "text", guessed: true}, {Label: "Amount", Type: "number", guessed: true}, notes}, "table"
	case s == collectionShape:
		return []field{name, {Label: "Condition", Type: "choice", Options: []string{"Poor", "Good", "Mint"}, guessed: true}, {Label: "Value", Type: "money", guessed: true}, {Label: "Bought on", Type: "date", guessed: true}, notes}, "cards"
	case s == inventoryShape:
		return []field{name, {Label: "Quantity", Type: "number", Required: true}, {Label: "Place", Type: "text", guessed: true}, {Label: "Value", Type: "money", guessed: true}, notes}, "table"
	case s == checklistShape:
		return []field{name, {Label: "Done", Type: "flag"}, notes}, "table"
	}
	return []field{name, {Label: "Date", Type: "date", guessed: true}, {Label: "Status", Type: "choice", Options: []string{"New", "In progress", "Done"}, guessed: true}, notes}, ""
}
