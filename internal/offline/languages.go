package offline

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// languageNames are those that an idea may be in and no interface can.
var languageNames = map[string]string{"it": "Italian", "pt": "Portuguese", "nl": "Dutch", "ja": "Japanese", "zh": "Chinese", "ko": "Korean", "ar": "Arabic", "he": "Hebrew", "ru": "Russian", "el": "Greek",
	"hi": "Hindi", "th": "Thai", "uk": "Ukrainian", "pl": "Polish", "tr": "Turkish", "sv": "Swedish", "xx": "the language of the idea"}

// grammarWords are the little words by which a language is told, and that are no things.
var grammarWords = map[string]map[string]bool{
	"en": wordSet("the a an and for with my to of that i in on or is are me we our your their who which when where want need per till until build make track keep app list from each how it them can should like all at by"),
	"de": wordSet(`fürs ich du er sie es wir ihr der die das den dem des gewinnt spielen gegen ein eine einen einem einer eines und oder für mit von vom zu zum zur im in am an auf aus bei nach über unter vor mein meine meinen meinem meiner meines unser unsere unseren
		unserer unserem dein deine nicht ist sind war wird werden kann können soll sollen möchte möchten will wollen brauche brauchen haben habe hat bitte alle alles mehr wie was wer wem wen wann wo auch nur als dass damit um welche welcher
		welches bis seit ohne gegen zwischen wenn sowie sich mir mich uns diese dieser dieses jede jeden jeder jedes pro bzw gerne gern einfach einfache einfachen kleine kleinen kleiner schöne neue neuen meinen`),
	"es": wordSet(`yo tú él nosotros el la los las un una unos unas y e o u de del al a para por con sin en sobre mi mis tu tus su sus nuestro nuestra nuestros nuestras que qué quien quién cuando cuándo donde dónde como cómo cuánto quiero
		quisiera necesito necesitamos queremos me te se lo le les es son está están he ha han hay tengo tiene todo toda todos todas más muy también cada entre desde hasta sencilla sencillo ser poder puedo nos favor este esta estos estas`),
	"fr": wordSet(`je tu il elle nous vous ils elles le la les l un une des du de d à au aux et ou pour par avec sans dans sur en chez mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs que qu qui quoi quand où comment combien ce
		cette ces cet est sont ai as a avons ont voudrais veux voulons besoin j j'ai c'est plus très aussi chaque petite petit moi me se y ne pas tout toute tous toutes afin`),
	"it": wordSet("al alla alle nel nella nella un' dal sul i il lo la gli le i un una uno e o di da del della dei delle per con in su mio mia miei mie nostro nostra vorrei voglio che chi quando dove come sono è ho tutti tutte gestire tenere traccia app"),
	"pt": wordSet("o a os as um uma uns umas e ou de do da dos das para por com em no na meu minha meus minhas nosso nossa quero preciso que quem quando onde como são é tenho todos todas gerenciar gerir aplicativo não"),
	"nl": wordSet("de het een en of voor met van mijn onze ons ik wij we wil willen die dat wie wanneer waar hoe is zijn heb hebben alle om te bij aan op beheren bijhouden"),
	"pl": wordSet("i w na do dla z ze moje moich mój moja chcę aplikacja aplikację które który jest są oraz żeby"),
	"tr": wordSet("ve bir için ile benim uygulama uygulaması istiyorum takip etmek bu çok"),
	"sv": wordSet("och en ett för med min mina jag vill som att är har app över hålla koll på"),
}

// contentWords tell a language where an idea has no little words.
var contentWords = map[string]*regexp.Regexp{
	"it": regexp.MustCompile(`(?:zione|zioni|aggio|ezza|atrice|atore|etto|etti|ggi)$`),
	"pt": regexp.MustCompile(`[ãõ]|(?:ção|ções|agem|agens)$`),
	"de": regexp.MustCompile(`[äöüß]|[a-z]{4}generator$|(?:ung|ungen|heit|keit|schaft|buch|rechner|umrechner|trainer|enplan|gsplan|zettel|karten|liste|spiel|planer|verwaltung|kalender|zähler|uhr)$|[a-z]{4}(?:zeit|zeiten|geld|bücher|kosten|termine|ausgaben|verleih|verzeichnis|tabelle|abrechnung|arbeiten)$`),
	"es": regexp.MustCompile(`[ñ¿¡íóú]|(?:ción|ciones|adora|adoras|ería|dades)$`),
	"fr": regexp.MustCompile(`[èêëçœùûîïôâé]|(?:trice|trices|eaux|minuteur|sseur|ateur)$`),
}

// topicWords are nouns that ideas are about, by language: those of games and tools, and those of languages that the catalogue does
// not have.
var topicWords = map[string]map[string]bool{
	"de": wordSet(`metronom schachuhr kanban wecker morsen glücksrad umfrage wichteln haushalt einkauf spritverbrauch kraftstoffverbrauch wasserzähler stromzähler schere stein papier studium tagebuch rezepte pflanzen bücher filme rechnung`),
	"es": wordSet(`ahorcado ruleta sorteo marcador adivinanzas ajedrez juego tarjetas apuntes recetas libros gastos tareas clientes deudas temporizador contador propinas calculadora conversor cronómetro lista compras notas agenda dados`),
	"fr": wordSet(`pendu carnet lecture lecteur dépenses colocataires lancer dés minuteur compteur courses suivi jeu morpion sondage roue devinettes livres tâches plantes recettes`),
	"it": wordSet(`spese ricette ricetta nonna lista cronometro impiccato calcolatrice calcolatore mutuo libri appunti compiti palestra allenamenti piante giardino viaggi viaggio abbonamenti fatture clienti ordini prenotazioni gioco giochi
		memoria traccia tenere gestire tracciare calcolare soldi mance mancia convertitore promemoria abitudini collezione francobolli vini animali gatti cani compleanni regali dieta pasti ospiti matrimonio lavori dadi tris metronomo
		scacchi temporizzatore sondaggio ruota segnapunti parole studio esami alunni studenti corsi prodotti magazzino spesa`),
	"pt": wordSet(`gastos despesas tarefas receitas livros filmes jogo jogos velha forca treino treinos plantas viagens viagem faturas clientes controle controlar mensais emprestei emprestados hábitos lembretes notas contas compras estudos
		alunos produtos estoque vinhos presentes aniversários animais vacinas remédios refeições convidados casamento calculadora gorjeta conversor temporizador cronômetro dados sorteio enquete placar senhas dinheiro lista músicas
		pedidos assinaturas agenda xadrez`),
}

// foreignNames are the names that the catalogue has for kinds, by language.
var foreignNames = sync.OnceValue(func() map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for _, l := range languages[1:] {
		out[l] = map[string]bool{}
		for _, e := range words().kinds {
			for _, name := range []string{e.One, e.Many} {
				if foreign := wordTranslations().texts[l][name]; foreign != "" && !lexiconSpeaks(strings.ToLower(foreign)) { // else English has it too
					out[l][strings.ToLower(foreign)] = true
				}
			}
		}
	}
	return out
})

// languageOf tells the language of a text: "en" where nothing speaks for another, "xx" for one that it does not know.
func languageOf(text string) string {
	if l := scriptOf(text); l != "" {
		return l
	}
	score := map[string]int{}
	ts := tokens(strings.NewReplacer("’", "'", "D&D", "dnd", "d&d", "dnd").Replace(text))
	ts = ts[:min(len(ts), 200)]
	for _, t := range ts {
		t, elided := strings.CutPrefix(t, "l'")
		if _, rest, ok := strings.Cut(t, "'"); ok && (strings.HasPrefix(t, "d'") || strings.HasPrefix(t, "j'") || strings.HasPrefix(t, "qu'")) {
			t, elided = rest, true
		}
		if elided {
			score["fr"] += 3
		}
		for l, set := range grammarWords {
			if set[t] {
				score[l] += 2
			}
		}
		for l, form := range contentWords {
			if form.MatchString(t) && english().verbForm(t) == "" && !lexiconSpeaks(t) {
				score[l]++
			}
			if foreignNames()[l][t] {
				score[l] += 2
			}
		}
		for l, set := range topicWords {
			if set[t] || foreignVerbs[l][t] && english().verbForm(t) == "" {
				score[l] += 2
			}
		}
		if lexiconSpeaks(t) || english().verbForm(t) != "" || t != "app" && (english().is("tool", t) || english().is("preposition", t) || english().is("attribute", t) || english().is("uncountable", t)) {
			score["en"]++
		}
	}
	best := "en"
	for _, l := range sortedKeys(score) {
		if score[l] > score[best] {
			best = l
		}
	}
	if best == "es" && score["fr"] == score["es"] && !slices.ContainsFunc(ts, func(t string) bool { return !grammarWords["fr"][t] && endsIn(t, "a", "o", "as", "os") }) {
		return "fr" // which shares its little words: "entretien de la voiture"
	}
	return best
}

// scriptOf is the language of a text whose letters are not Latin, "" where they are.
func scriptOf(text string) string {
	counts := map[string]int{}
	latin := 0
	for _, r := range text {
		for l, table := range map[string]*unicode.RangeTable{"ja": unicode.Hiragana, "zh": unicode.Han, "ko": unicode.Hangul, "ar": unicode.Arabic, "he": unicode.Hebrew, "ru": unicode.Cyrillic, "el": unicode.Greek, "hi": unicode.Devanagari, "th": unicode.Thai} {
			if unicode.Is(table, r) {
				counts[l]++
			}
		}
		switch {
		case unicode.Is(unicode.Katakana, r):
			counts["ja"]++
		case unicode.Is(unicode.Latin, r):
			latin++
		}
	}
	if counts["ja"] > 0 {
		counts["ja"] += counts["zh"]
		delete(counts, "zh")
	}
	best := ""
	for _, l := range sortedKeys(counts) {
		if counts[l] > counts[best] && counts[l]*2 > latin {
			best = l
		}
	}
	return best
}

// foreignVerbs are verbs of orders and wishes in other languages, beside those that their endings tell.
var foreignVerbs = map[string]map[string]bool{
	"de": wordSet(`überwachen festhalten protokollieren verwalten sammeln planen organisieren speichern notieren erfassen verfolgen haben machen bauen erstellen erstelle baue mache führen sehen finden schreiben eintragen anlegen lernen spielen umrechnen rechnen berechnen merken
		behalten aufschreiben dokumentieren buchen vergleichen zeigen teilen üben kaufen verkaufen verleihen ausleihen verliehen ausgeliehen geliehen gelesen gesehen gekauft`),
	"es": wordSet(`rastrear monitorear vigilar gestionar organizar planificar guardar llevar registrar anotar controlar hacer crear ver seguir apuntar administrar regar comprar vender jugar aprender calcular convertir compartir tener saber recordar leer crea haz hazme regarlas`),
	"it": wordSet(`tenere gestire tracciare annotare organizzare registrare pianificare salvare traccia tieni gestisci crea voglio vorrei prestato prestati`),
	"pt": wordSet(`gerenciar gerir organizar registrar anotar acompanhar controlar guardar planejar quero preciso emprestei emprestado emprestados`),
	"fr": wordSet(`surveiller consigner gérer organiser planifier noter suivre enregistrer garder créer faire voir tenir lister stocker ranger conserver acheter vendre jouer apprendre calculer convertir partager lus lu vus vu prêté prêtés emprunté emprunte fais crée`),
}

// foreignTools are nouns that say what sort of program is meant.
var foreignTools = wordSet(`app application anwendung programm webseite website web-app tool werkzeug verwaltung übersicht liste tracker planer manager software system seite webapp sammlung kontrolle
	aplicación aplicacion programa página web sitio herramienta gestión gestion gestor lista control seguimiento registro organizador planificador colección
	outil logiciel site page gestionnaire suivi carnet programme collection`)

var foreignLends = regexp.MustCompile(`(?i)\b(?:verliehen|verleihe|ausgeliehen|verleihen|ausleihe\w*|geliehen|verborgt|prestad[oa]s?|presté|prestar|prêtée?s?|prêter|emprunt\w*|emprest\w*|prestat[oaie]|imprest\w*)(?:[^\pL]|$)`)

// readForeign fills the app with what a text in another language asks for, by its nouns.
func (a *app) readForeign(text, spoken string, b brief) {
	a.Parts = partsOf(text)
	a.readScript(text)
	ts := foreignTokens(text)
	if spoken == "de" {
		a.Parts = append(a.Parts, compoundParts(ts, a.Parts)...)
		undecline(ts)
	}
	if isLatin(text) && !(len(a.Parts) > 0 && slices.Contains([]partKind{gamePart, toolPart, calculatorPart, converterPart}, a.Parts[0].Kind)) {
		a.readNouns(ts, spoken)
	}
	for _, t := range ts {
		if one := words().foreign[t.low]; one != "" && len(a.Kinds) == 0 && len(a.Parts) == 0 && foreignPrograms[t.low] { // "inventario de mi taller"
			a.addLike(one, "", "")
		}
	}
	if foreignLends.MatchString(text) && len(a.Kinds) > 0 {
		a.addLoans(a.Kinds[0].Key)
	}
	a.Name = a.foreignTitle(text, spoken, b.title, ts)
	for i := range a.Parts {
		a.Parts[i].leads = a.Parts[i].isTool() && i == 0 || len(a.Kinds) == 0
	}
	a.orderParts()
	if len(a.Parts) > 1 && a.Parts[0].Kind == trackerPart && !a.Parts[1].isTool() && len(a.Parts) == 2 {
		a.Parts[0], a.Parts[1] = a.Parts[1], a.Parts[0]
	}
}

// compoundParts are kinds of apps that German compounds end in: a calendar, of "Geburtstagskalender".
func compoundParts(ts []foreignToken, have []part) []part {
	var out []part
	for _, t := range ts {
		for ending, p := range map[string]part{"kalender": {Kind: calendarPart}, "quiz": {Kind: quizPart}, "stoppuhr": {Kind: timerPart, Of: "stopwatch"}} {
			if stem, ok := strings.CutSuffix(t.low, ending); ok && len(stem) > 2 && !slices.ContainsFunc(slices.Concat(have, out), func(o part) bool { return o.Kind == p.Kind }) && len(partsOf(t.low)) == 0 {
				out = append(out, p)
			}
		}
	}
	return out
}

// undecline puts German nouns in the dative, "von Werkzeugen", into the form by which they are known.
func undecline(ts []foreignToken) {
	known := func(w string) bool { return words().foreign[w] != "" || foreignFields[w] != "" }
	for i := range ts {
		t := &ts[i]
		if known(t.low) || !isCapital(t.text) || grammarWords["de"][t.low] {
			continue
		}
		for _, n := range []int{1, 2} { // "Werkzeugen", "Standorten"
			if base := t.low[:max(0, len(t.low)-n)]; strings.HasSuffix(t.low, "n") && (n == 1 || strings.HasSuffix(t.low, "en")) && known(base) {
				t.text, t.low = t.text[:len(t.text)-n], base
				break
			}
		}
	}
}

// readScript adds the kinds that parts of words in other scripts stand for.
func (a *app) readScript(text string) {
	lower := strings.ToLower(text)
	at := map[string]int{}
	for part, s := range words().parts {
		if i := strings.Index(lower, part); i >= 0 && (at[s] == 0 || i+1 < at[s]) {
			at[s] = i + 1
		}
	}
	for _, s := range slices.SortedFunc(maps.Keys(at), func(a, b string) int { return cmp.Or(at[a]-at[b], strings.Compare(a, b)) }) {
		a.addLike(s, "", "")
	}
}

// foreignToken is a word of a text in another language, with what stands before it.
type foreignToken struct {
	text, low string
	first     bool   // of its sentence
	by        string // the word before
	listed    bool   // a comma or "and" before it
	colon     bool   // a colon behind it
	at        int    // its place among the words
}

var foreignWord = regexp.MustCompile(`[\pL\pN][\pL\pN\pM'-]*|[,.;:!?\n]`)

func foreignTokens(text string) []foreignToken {
	var out []foreignToken
	before, first, comma := "", true, false
	for _, s := range foreignWord.FindAllString(strings.ReplaceAll(plainly(text), "’", "'"), -1) {
		if strings.ContainsAny(s, ",.;:!?\n") {
			comma = comma || s == "," || s == ":"
			if s == ":" && len(out) > 0 {
				out[len(out)-1].colon = true
			}
			first = first || strings.ContainsAny(s, ".!?\n")
			continue
		}
		low := strings.ToLower(s)
		if head, rest, ok := strings.Cut(low, "'"); ok && len(head) <= 2 && rest != "" { // l', d', qu'
			before, low, s = head, rest, s[len(head)+1:]
		}
		t := foreignToken{at: len(out), text: s, low: low, first: first, by: before, listed: comma || slices.Contains([]string{"und", "y", "e", "et", "sowie"}, before)}
		out = append(out, t)
		before, first, comma = low, false, false
	}
	return out
}

// listing are words after which what is kept is named.
var listing = wordSet(`sus tus leurs ses seine deren ihre loro le seus suas mie miei gli i meus minhas os as mijn onze mis mes meine meinen meiner meines mein unsere unseren unserer nos nuestros nuestras las los les des der die von vom del de du mit con avec für para pour el la le un una une l d unos unas lista liste gestión gestion verwaltung suivi control verwalten gérer gestionar`)

// readNouns adds what the nouns of a text name: kinds of the lexicon, and those that it does not know where a list of what
// is kept may stand.
func (a *app) readNouns(ts []foreignToken, spoken string) {
	var unknown, fields []foreignToken
	previous, fieldList, kindAt := false, false, -9
	named := map[string]int{} // kinds, by where they were named first
	defer func() {
		slices.SortStableFunc(a.Kinds, func(k, o kind) int { return cmp.Compare(named[k.Key], named[o.Key]) })
	}()
	for i := 0; i < len(ts); i++ {
		t := ts[i]
		if len(partsOf(t.text)) > 0 || spoken == "de" && foreignVerbs[spoken][t.low] && !isCapital(t.text) {
			continue
		}
		fieldList = slices.Contains(withWords, t.by) || fieldList && (t.listed || grammarWords[spoken][t.low])
		if f, ok := foreignFields[t.low]; ok && len(a.Kinds)+len(unknown) > 0 && fieldList {
			if len(a.Kinds) == 0 {
				fields = append(fields, t)
				continue
			}
			if k := &a.Kinds[len(a.Kinds)-1]; !k.hasForeign(t.low) {
				typ, options := typeOf(f)
				k.addField(capital(fieldBase(t.low)), typ, options)
			}
			continue
		}
		if i+2 < len(ts) && ts[i+2].by == ts[i+1].low && slices.Contains(ofWords, ts[i+1].low) && (foreignPrograms[t.low] || t.low == "stock") {
			continue // "Inventario de herramientas"
		}
		if len(a.Kinds) > 0 && i > 1 && slices.Contains(ofWords, ts[i-2].low) && (owning[t.by] || !endsIn(t.low, "s", "x", "i") && grammarWords[spoken][t.by]) && spoken != "de" {
			continue // "de mi restaurante", "de la coloc"
		}
		if foreignAdjectives[t.low] && kindAt == i-1 {
			continue // "gastos diarios"
		}
		if foreignPeople[t.low] || i > 1 && slices.Contains([]string{"de", "d", "del", "di", "do", "da"}, t.by) && kindAt == i-2 && !endsIn(t.low, "s", "x", "i") {
			continue // whose it is, or of what sort
		}
		if one, n := foreignKind(ts[i:]); one != "" && !grammarWords[spoken][t.low] && !(n == 1 && foreignTools[t.low] && len(ts) > 1) {
			single, many := "", ""
			if o, m := numbers(spoken, t.text); n == 1 && spoken == "de" && o != m && m == t.text && isCapital(m) && words().foreign[strings.ToLower(o)] == one && words().foreign[t.low] == one &&
				m != a.word(words().kinds[one].Many) && o != a.word(words().kinds[one].One) {
				single, many = o, m
			}
			if e := words().kinds[one]; n == 1 && a.Language == "en" {
				single, many = numbers(spoken, t.text) // no catalogue has another
			} else if n == 1 && (spoken == "es" || spoken == "fr") && strings.HasSuffix(t.low, "s") && !strings.EqualFold(a.word(e.Many), t.low) && !strings.EqualFold(a.word(e.One), t.low) {
				single, many = numbers(spoken, t.text) // the idea's own word for it
			}
			compound := n == 1 && spoken == "de" && !isForeign(t.low)
			if compound && len(a.Parts) > 0 && !t.listed { // a calendar for something
				continue
			}
			if compound && many == "" {
				single, many = numbers(spoken, t.text) // "Vereinsmitglieder"
			}
			if k := a.addLike(one, single, many); k != nil {
				named[k.Key] = cmp.Or(named[k.Key], i+1)
			}
			i += n - 1
			previous, kindAt = true, i
			continue
		}
		noun := spoken == "de" && isCapital(t.text) && (!t.first || len(ts) < 4 || i+1 < len(ts) && !programEnding.MatchString(t.low) && slices.Contains([]string{"mit", "und", "von", "für"}, ts[i+1].low)) || spoken != "de" && (listing[t.by] || previous && t.listed)
		if !noun || grammarWords[spoken][t.low] || foreignVerbs[spoken][t.low] || foreignTools[t.low] || looksLikeVerb(t.low, spoken) || len([]rune(t.low)) < 3 {
			previous = previous && grammarWords[spoken][t.low]
			continue
		}
		if fieldList && len(a.Kinds) > 0 && a.Kinds[len(a.Kinds)-1].hasForeign(t.low) {
			continue
		}
		if _, known := wordTranslations().english[a.Language][capital(t.low)]; known { // a field
			fields = append(fields, t)
			continue
		}
		if with := slices.Contains(withWords, t.by) || t.listed && len(fields) > 0; with && (spoken == "de" && !looksPlural(t.low) || spoken != "de" && !strings.HasSuffix(t.low, "s")) {
			fields = append(fields, t)
			continue
		}
		if !t.colon || i == len(ts)-1 { // before a colon stands what a list is about
			unknown = append(unknown, t)
		}
		previous = true
	}
	if len(a.Parts) > 0 && a.Parts[0].isTool() {
		return
	}
	a.keepForeign(unknown, fields, named, spoken)
}

// keepForeign adds kinds for nouns that the lexicon does not have, and fields to the last kind.
func (a *app) keepForeign(unknown, fields []foreignToken, named map[string]int, spoken string) {
	for _, t := range unknown {
		if len(a.Parts) > 0 && len(a.Kinds) == 0 && !t.listed {
			continue // a calendar for something
		}
		placed := slices.Contains([]string{"für", "fürs", "zum", "zur", "para", "pour", "in", "im", "en", "dans", "bei", "de", "d", "einer", "d'une"}, t.by)
		if len(a.Kinds) > 0 && !t.listed && (placed || slices.Contains([]string{"una", "une", "eine", "einen"}, t.by)) || len(a.Kinds) >= 4 {
			continue
		}
		one, many := numbers(spoken, t.text)
		if spoken == "de" && (t.listed || slices.Contains([]string{"meine", "unsere", "deine", "alle", "viele"}, t.by)) && strings.HasSuffix(t.low, "e") { // "Autoren, Verlage"
			one, many = strings.TrimSuffix(t.text, "e"), t.text
		}
		if k := a.addUnknown(one, many); k != nil {
			named[k.Key] = cmp.Or(named[k.Key], t.at+1)
		}
	}
	for _, t := range fields {
		if len(a.Kinds) > 0 {
			typ, options := typeOf(cmp.Or(foreignFields[t.low], strings.ToLower(a.untranslated(capital(t.low)))))
			a.Kinds[len(a.Kinds)-1].addField(capital(fieldBase(t.low)), typ, options)
		}
	}
}

// hasForeign reports whether a kind has a field for a word of another language, in one of its forms: "Höhenmetern".
func (k *kind) hasForeign(w string) bool {
	return slices.ContainsFunc(k.Fields, func(f field) bool {
		return slices.ContainsFunc(foreignForms(w), func(form string) bool {
			rest, ok := strings.CutPrefix(strings.ToLower(f.Label), form)
			return ok && (rest == "" || rest[0] == ' ')
		})
	})
}

// foreignAdjectives stand behind nouns, and are kinds of their own elsewhere.
var foreignAdjectives = wordSet(`diario diarios diaria diarias mensual mensuales semanal semanales anual anuales personal personales quotidien quotidiens quotidienne quotidiennes mensuel mensuels mensuelle mensuelles personnel personnels personnelle personnelles`)

// foreignPeople are those for whom and of whom things are, in other languages.
var foreignPeople = wordSet(`tochter sohn töchter söhne schwester bruder hija hijo hijas hijos fille fils familie oma opa großmutter großvater mutter vater eltern mama papa frau mann freundin freund team firma wg abuela abuelo madre padre mamá papá familia esposa marido amigos equipo empresa famille mère père maman
	grand-mère femme mari amis équipe entreprise nonna nonno mamma famiglia moglie marito amici avó avô mãe pai família esposa`)

// withWords lead to what belongs to something.
var withWords = []string{"mit", "con", "avec", "com"}

// foreignFields are what things have, in other languages, with the English that tells the type.
var foreignFields = map[string]string{
	"beitrag": "fee", "laufzeit": "duration", "dosis": "dose", "mesa": "table", "menú": "menu", "standort": "place", "jahrgang": "year", "winzer": "producer", "region": "region", "región": "region", "région": "region", "länge": "length", "höhe": "height", "uhrzeit": "time", "seiten": "number", "verlag": "publisher", "marke": "brand",
	"zustand": "condition", "anzahl": "quantity", "telefonnummer": "phone", "telefon": "phone", "adresse": "address", "art": "sort", "temperatur": "temperature", "strecke": "distance", "zeit": "minutes", "übung": "exercise", "beschreibung": "description",
	"nota": "rating", "teléfono": "phone", "dirección": "address", "marca": "brand", "distancia": "distance", "hora": "time", "notas": "notes", "estado": "status", "proveedor": "supplier", "color": "colour", "ubicación": "place", "vencimiento": "due date",
	"téléphone": "phone", "adresse-mail": "email", "marque": "brand", "distance": "distance", "heure": "time", "état": "condition", "statut": "status", "couleur": "colour", "lieux": "place", "note": "rating", "quantités": "quantity", "durées": "duration",
	"gewicht": "weight", "preis": "price", "preisen": "price", "preise": "price", "datum": "date", "bewertung": "rating", "sätze": "number", "sätzen": "number", "wiederholungen": "number", "dauer": "duration", "ort": "place", "autor": "author",
	"jahr": "year", "menge": "quantity", "kosten": "cost", "betrag": "amount", "fälligkeitsdatum": "due date", "farbe": "colour", "größe": "size", "herkunft": "origin", "priorität": "priority", "kategorie": "category", "status": "status",
	"peso": "weight", "precio": "price", "precios": "price", "fecha": "date", "fechas": "date", "series": "number", "repeticiones": "number", "duración": "duration", "lugar": "place", "autor/a": "author", "año": "year", "cantidad": "quantity",
	"coste": "cost", "importe": "amount", "prioridad": "priority", "categoría": "category", "talla": "size", "puntuación": "rating", "valoración": "rating",
	"poids": "weight", "prix": "price", "date": "date", "dates": "date", "séries": "number", "répétitions": "number", "durée": "duration", "lieu": "place", "auteur": "author", "année": "year", "quantité": "quantity", "montant": "amount",
	"catégorie": "category", "priorité": "priority", "échéance": "due date", "taille": "size",
	"prezzo": "price", "prezzi": "price", "data": "date", "autore": "author", "anno": "year", "quantità": "quantity", "importo": "amount", "preço": "price", "preços": "price", "ano": "year", "quantidade": "quantity", "valor": "amount",
}

// fieldBase is the name of a field that is known in the plural or in a case: "preisen" is "preis".
func fieldBase(w string) string {
	for _, ending := range []string{"en", "e", "n"} {
		if stem, ok := strings.CutSuffix(w, ending); ok && foreignFields[stem] != "" {
			return stem
		}
	}
	return w
}

// ofWords lead to whose something is; owning words say whose.
var (
	ofWords = []string{"de", "d", "del", "di", "do", "da", "dei", "delle", "dos", "das"}
	owning  = wordSet("mi mis tu su nuestro nuestra mon ma mes notre nos mio mia miei meu minha meus nosso")
)

// looksPlural reports whether a German noun ends as plurals do.
func looksPlural(w string) bool { return endsIn(w, "n", "e", "s") }

// looksLikeVerb reports whether a word ends as verbs of a language do.
func looksLikeVerb(w, spoken string) bool {
	switch spoken {
	case "es", "pt", "it":
		return endsIn(w, "ar", "ir", "are", "arlas", "arlos") || strings.HasSuffix(w, "er") && len(w) > 4
	case "fr":
		return endsIn(w, "er", "ir") && len(w) > 4
	}
	return false
}

// foreignKind finds the lexicon's kind that the first words name, and how many words that takes.
func foreignKind(ts []foreignToken) (string, int) {
	l := words()
	if m := programEnding.FindStringIndex(ts[0].low); m != nil { // "Trainingstagebuch"
		stem := strings.TrimSuffix(strings.TrimSuffix(ts[0].low[:m[0]+1], "-"), "s")
		for _, form := range foreignForms(stem) {
			if one := l.foreign[form]; one != "" && l.foreign[ts[0].low] == "" {
				return one, 1
			}
		}
	}
	for n := min(3, len(ts)); n > 0; n-- {
		var ws []string
		for _, t := range ts[:n] {
			ws = append(ws, t.low)
		}
		for _, form := range foreignForms(strings.Join(ws, "-")) {
			if one := l.foreign[form]; one != "" {
				return one, n
			}
		}
	}
	if isCapital(ts[0].text) {
		if one := compoundOf(ts[0].low); one != "" {
			return one, 1
		}
	}
	return "", 0
}

// isForeign reports whether the lexicon has a word of another language, in one of its forms.
func isForeign(w string) bool {
	return programEnding.MatchString(w) || slices.ContainsFunc(foreignForms(w), func(form string) bool { return words().foreign[form] != "" })
}

// compoundOf is the lexicon's kind that a German word ends in: members, of "Vereinsmitglieder".
func compoundOf(w string) string {
	for at := range w {
		if at < 4 || len(w)-at < 6 {
			continue
		}
		for _, form := range foreignForms(w[at:]) {
			if one := words().foreign[form]; one != "" {
				return one
			}
		}
	}
	return ""
}

// foreignForms are a word and what it may be a form of, in German, Spanish or French.
func foreignForms(w string) []string {
	out := []string{w}
	for _, ending := range []string{"n", "en", "s", "es", "e", "er", "x", "nen"} {
		if stem, ok := strings.CutSuffix(w, ending); ok && len(stem) > 2 {
			out = append(out, stem)
		}
	}
	if stem, ok := strings.CutSuffix(w, "ces"); ok {
		out = append(out, stem+"z")
	}
	if stem, ok := strings.CutSuffix(w, "aux"); ok {
		out = append(out, stem+"al")
	}
	return out
}

// endsIn reports whether a word ends in one of some endings.
func endsIn(w string, endings ...string) bool {
	return slices.ContainsFunc(endings, func(ending string) bool { return strings.HasSuffix(w, ending) })
}

// numbers are the singular and the plural of a noun that was met in one of both.
func numbers(spoken, w string) (one, many string) {
	low := strings.ToLower(w)
	cut := func(n int, add string) string { return string([]rune(w)[:len([]rune(w))-n]) + add }
	switch spoken {
	case "de":
		switch {
		case strings.HasSuffix(low, "innen"):
			return cut(3, ""), w
		case strings.HasSuffix(low, "agen"):
			return w, w
		case endsIn(low, "ungen", "heiten", "keiten", "schaften", "ionen", "täten"):
			return cut(2, ""), w
		case endsIn(low, "ven", "ien", "men", "ten", "ken", "ren", "gen", "zen", "nen", "sen", "fen", "pen", "len", "den", "ben"):
			return cut(1, ""), w
		case strings.HasSuffix(low, "e") && words().foreign[strings.TrimSuffix(low, "e")] != "": // "Brettspiele"
			return cut(1, ""), w
		case strings.HasSuffix(low, "e") && !strings.HasSuffix(low, "ie"):
			return w, w + "n"
		case strings.HasSuffix(low, "s") && !endsIn(low, "us", "is", "ss"):
			return cut(1, ""), w
		case endsIn(low, "ung", "heit", "keit", "schaft", "ion", "tät"):
			return w, w + "en"
		}
		return w, w
	case "es", "pt", "it":
		w = low
		switch {
		case strings.HasSuffix(low, "iones"):
			return cut(5, "ión"), w
		case strings.HasSuffix(low, "ces"):
			return cut(3, "z"), w
		case len(low) > 4 && endsIn(low, "les", "nes", "des", "ores", "ares", "eres"):
			return cut(2, ""), w
		case spoken == "it":
			return w, w
		case strings.HasSuffix(low, "s"):
			return cut(1, ""), w
		case strings.ContainsRune("aeiouáéíóú", []rune(low)[len([]rune(low))-1]):
			return w, w + "s"
		}
		return w, w + "es"
	case "fr":
		w = low
		switch {
		case strings.HasSuffix(low, "eaux"):
			return cut(1, ""), w
		case strings.HasSuffix(low, "aux"):
			return cut(2, "l"), w
		case endsIn(low, "s", "x"):
			return cut(1, ""), w
		case endsIn(low, "eau", "eu"):
			return w, w + "x"
		}
		return w, w + "s"
	}
	return low, low
}

// foreignPrograms are names of programs that say what those keep.
var foreignPrograms = wordSet("inventario agenda diario catálogo inventaire carnet journal annuaire inventar tagebuch adressbuch")

// verb reports whether a text has a verb of a wish.
func verb(ts []foreignToken, spoken string) bool {
	return len(ts) < 4 || slices.ContainsFunc(ts, func(t foreignToken) bool { return foreignVerbs[spoken][t.low] })
}

// programEnding are ends of German words for programs: "Vereinsverwaltung".
var programEnding = regexp.MustCompile(`.(?:sammlung|keller|regal|protokoll|kartei|archiv|übersicht|planung|tabelle|logbuch|heft|register|verwaltung|planer|tracker|buch|liste|kalender|trainer|rechner|uhr|timer|tagebuch|zettel|plan)$`)

// foreignTitle names an app whose idea is in another language.
func (a *app) foreignTitle(text, spoken, project string, ts []foreignToken) string {
	if m := called.FindStringSubmatch(text); m != nil {
		return titleCase(m[1])
	}
	if project = cleanLine(project); project != "" && project != strings.TrimSpace(text) && len(strings.Fields(project)) <= 5 {
		return capital(project)
	}
	if len(ts) > 1 && foreignPrograms[ts[0].low] && !verb(ts, spoken) {
		return capital(ts[0].text)
	}
	for i, t := range ts {
		if t.colon && i < 4 && i+1 < len(ts) && !grammarWords[spoken][t.low] && len(a.Kinds) > 0 || i == 0 && i+1 < len(ts) && programEnding.MatchString(t.low) && slices.Contains([]string{"mit", "für", "con", "para", "avec", "pour"}, ts[1].low) && !foreignTools[t.low] {
			return capital(t.text)
		}
	}
	if i := slices.IndexFunc(ts, func(t foreignToken) bool { return slices.Contains(withWords, t.low) }); i > 0 && len(a.Kinds)+len(a.Parts) > 0 && !foreignTools[ts[i-1].low] && !foreignVerbs[spoken][ts[0].low] {
		ts = ts[:i] // what follows is said of it
	}
	verb := slices.ContainsFunc(ts, func(t foreignToken) bool {
		return foreignVerbs[spoken][t.low] || slices.Contains([]string{"ich", "je", "j", "quiero", "möchte", "necesito", "app", "application", "aplicación", "anwendung", "die", "que", "qu", "mit", "con", "avec"}, t.low) && !t.first || slices.Contains([]string{"je", "ich", "quiero", "app", "una", "une", "eine"}, t.low)
	})
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if !verb && len(ts) <= 8 && len(text) < 48 && isLatin(text) {
		var out []string
		for i, t := range ts {
			if i == 0 && (grammarWords[spoken][t.low] || t.low == "un") {
				continue
			}
			out = append(out, t.text)
			if t.by == "d" || t.by == "l" {
				out[len(out)-1] = t.by + "'" + t.text
			}
		}
		return capital(trimEnd(strings.Join(out, " ")))
	}
	if len(a.Parts) > 0 && (a.Parts[0].isTool() || len(a.Kinds) == 0) {
		ws := wordsOf(text)
		for _, p := range partsIn(ws) {
			return capital(strings.Join(textsOf(ws[p.at:p.end]), " "))
		}
	}
	var names []string
	for _, k := range a.Kinds {
		if len(names) < 2 && k.like != "loan" {
			names = append(names, k.Many)
		}
	}
	if len(names) == 0 || !isLatin(text) {
		return capital(shorten(trimEnd(cleanLine(line)), 48))
	}
	if len(names) == 2 && !strings.Contains(strings.ToLower(text), " "+a.T("and")+" ") && !strings.Contains(strings.ToLower(text), " e ") {
		names = names[:1]
	}
	return capital(a.and(names))
}
