package agent

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"codeforge"
	"codeforge/internal/agent/form"
)

// What stands where code should is told by its structure: a comment that is nothing but words for "the rest", in whatever language's comment,
// is an elision; one that puts the work off is a stub. Words that are part of a sentence about the program, texts, and an app about to-dos
// are neither.

// Words for code, after which "the rest of" and "existing" mean what was left out: those that mean nothing else, all of them, and those that
// often mean something else as well.
const (
	sureNoun = `(?:code|codebase|logic|implementations?|functions?|methods?|imports?|exports?|css|html|js|jsx|markup|styling)`
	codeNoun = `(?:code|codebase|logic|implementations?|functions?|methods?|handlers?|imports?|exports?|styles?|styling|css|html|js|markup|jsx|components?|contents?|file|class(?:es)?|scripts?|modules?|definitions?|declarations?|body|schema|stylesheet|document|template|source|program|page|routes|endpoints|rules|hooks|helpers)`
	restNoun = `(?:` + sureNoun + `|handlers?|styles?|components?|file|class(?:es)?|scripts?|modules?|definitions?|declarations?|schema|stylesheet|template|helpers)`
	pagePart = `(?:header|footer|head|nav(?:igation|bar)?|sidebar|template|markup|scripts?|styles?|imports?)`
	partNoun = `(?:` + codeNoun + `|files|app|selectors|tests?|cases|config(?:uration)?|setup|stuff|things|elements|sections?|properties|props|variables|constants|types|interfaces|statements|lines|parts?|tables?|columns|buttons|fields|items|entries|states?|route|endpoint)`
)

// What is said of it: that it is as it was, and where it is.
const (
	keepIt  = `(?:(?:keep|leave|with|plus|and|paste|retain|preserve)\s+)?(?:all\s+)?`
	whose   = `(?:(?:the|your|this|our|my)\s+)?`
	asItWas = `(?:(?:(?:is|are|was|were|remains?|stays?|left|keeps?|should|be|remain|stay|completely|exactly|all|still|also)\s+)*(?:unchanged|unmodified|unaltered|untouched|intact|identical|the same|as (?:is|before|it is|they are|it was|they were|above|in the original|previously)|like before|omitted|not shown|truncated|elided|for brevity|works? as before))`
	orThere = `(?:` + asItWas + `|(?:(?:goes|go|comes|follows|is|are|remains?|stays?|stands?)\s+)?(?:here|above|below|in place|follows|remains?|stays?))`
)

var (
	dotsBehind = regexp.MustCompile(`(?:\.{3}|…)[\s\p{P}\p{S}]*$`)

	// A comment that is nothing but signs, three dots among them.
	dotsAlone = regexp.MustCompile(`^[\s\p{P}\p{S}]*(?:\.{3,}|…)[\s\p{P}\p{S}]*$`)

	restOf   = keepIt + `(?:of\s+)?` + whose + `(?:rest|remainder)\s+of\s+(?:(?:the|your|this|our|my|its)\s+)?(?:[\w'-]+\s+){0,2}?`
	elisions = wholly(
		// the rest of the code; remaining methods; keep existing styles; with what is said of them
		restOf+`(?:`+restNoun+`(?:\s+(?:of|in|for|from)\s+(?:the\s+|this\s+)?[\w'./-]+)?(?:\s+`+orThere+`)*|`+codeNoun+`(?:\s+`+orThere+`)+)`,
		keepIt+whose+`(?:existing|remaining)\s+(?:\w+\s+)?(?:`+sureNoun+`(?:\s+`+orThere+`)*|`+codeNoun+`(?:\s+`+orThere+`)+)`,
		keepIt+whose+`(?:previous|original|prior)\s+`+codeNoun+`(?:\s+`+orThere+`)+`,
		`(?:everything|all|the code|code)\s+(?:below|above|after this|before this|from here)(?:\s+on)?\s+`+asItWas,
		`lines?\s+\d+\s*(?:-|–|to|through)\s*\d+\s+`+asItWas,
		whose+pagePart+`(?:\s+section)?\s+`+asItWas, `(?:the\s+)?same\s+(?:`+pagePart+`|`+codeNoun+`)\s+as\s+(?:before|previously|in the original)`,
		`(?:[\w'-]+\s+){1,5}(?:is\s+|are\s+)?(?:omitted|elided|snipped|left out)\s+for\s+(?:brevity|clarity|space)`, `getters(?: and |/)setters (?:omitted|unchanged)`,
		`(?:(?:keep|leave)\s+)?(?:the\s+|all\s+|all\s+the\s+)?(?:rest|remainder|other|others|existing|remaining|previous|original|everything|everything else|all else|code)(?:\s+of\s+(?:the\s+|this\s+)?)?(?:\s*(?:[\w'-]+\s+){0,2}?`+partNoun+`)?\s+`+asItWas,
		`(?:other|more|remaining|existing|additional)\s+(?:\w+\s+)?`+codeNoun+`\s+(?:goes\s+|go\s+|are\s+|remain\s+)?here`,
		`this\s+(?:part|section|function|method|file|block|code)\s+(?:(?:is|are|remains?|stays?)\s+)*(?:unchanged|same as (?:before|original|the original|previous(?:ly)?)|as before)|no changes\s+(?:here|below|above|needed|from here|to the rest).{0,20}`,
		`(?:code|implementation|content|body|logic|rest|remaining \w+|other \w+)\s+(?:is\s+|are\s+)?(?:omitted|truncated|elided|snipped|left out)(?:\s+(?:here|for (?:brevity|clarity|space)))?`,
		`(?:omitted|truncated|abbreviated)\s+for\s+(?:brevity|clarity|space)`, `snip(?:ped)?`, `continues? (?:as|like) before`,
	)
	// What stands for code that was left out most often, and can be the heading or the reason of what follows: finish may confirm it.
	doubtful = wholly(
		restOf+codeNoun, keepIt+whose+`(?:existing|remaining)\s+(?:\w+\s+)?`+codeNoun, keepIt+whose+`(?:previous|original|prior)\s+`+sureNoun,
		`unchanged|same as (?:before|original|the original|previous(?:ly)?)|as before|no changes`, `omitted|truncated|abbreviated`, `and so (?:on|forth)`, `etc`,
	)
	// What is such only with dots behind it.
	beforeDots = wholly(`(?:all\s+)?(?:the\s+)?(?:other|remaining|existing|previous|more|additional)\s+(?:\w+\s+)?` + partNoun)
	// The same behind three dots, where more nouns will do.
	afterDots = wholly(
		`(?:(?:keep|leave|with|plus|and|your|the|all|any|add|include|of)\s+)*(?:existing|remaining|previous|rest|remainder|other|others|same|more|original|additional|prior|old|unchanged|everything else)\b(?:[\s,]+[\w'./()-]+){0,8}`,
		`(?:[\w'-]+\s+){0,5}(?:unchanged|as before|stays? the same|remains? the same|as is|omitted|for brevity|here)`,
		`and so (?:on|forth)`, `etc`, `snip`, `continued?`, `(?:\d+\s+)?(?:more\s+)?lines?(?:\s+\d+\s*(?:-|–|to|through)\s*\d+)?`,
	)
	// In the words of other languages.
	foreign = wholly(
		`(?:hier\s+(?:kommt|steht|folgt)\s+)?(?:(?:der|die|das|den|alle)\s+)?(?:restliche[rns]?|übrige[rns]?|bestehende[rns]?|vorhandene[rns]?)\s+(?:\pL*code|methoden|funktionen|stile|styles|importe?s?|inhalte?|datei|logik|komponenten?)(?:\s+(?:hier|bleib(?:t|en)|ist|sind|wie|zuvor|bisher|vorher|gehabt|gleich|unverändert|unten|oben|einfügen))*`,
		`(?:der\s+)?rest(?:\s+(?:des|der|vom)\s+\pL+)?(?:\s+(?:bleibt|ist|wie|zuvor|bisher|vorher|gehabt|gleich|unverändert))+|(?:der\s+)?rest\s+(?:des|der|vom)\s+(?:\pL*codes?|datei|komponente|methoden|funktionen|stile)|(?:bleibt\s+)?unverändert|wie (?:zuvor|bisher|gehabt)`,
		`(?:le\s+)?reste\s+(?:du|de la|des|de)\s+(?:code|fichier|composant|fonctions?|méthodes?|styles?|logique|contenu|classe|module|script|implémentation|imports?)(?:\s+(?:est|reste|demeure|inchangée?|identique|ici|le même|sans changement))*|(?:le\s+|les\s+)?(?:code|fonctions?|méthodes?|styles?)\s+(?:existante?s?|inchangée?s?)|inchangée?s?|sans changement`,
		`(?:el\s+|o\s+|il\s+)?rest(?:o|ante)\s+(?:del|de la|de los|do|da|dos|della|delle|dei|de)\s+(?:código|codice|archivo|arquivo|file|componente|funciones|funções|funzioni|métodos|metodi|estilos|stili|lógica|logica|clase|classe|módulo|modulo|contenido|conteúdo|contenuto)(?:\s+(?:o mesmo|lo stesso|permanece|continua|sin cambios|igual|no cambia|permanece|sigue|queda|aquí|sem alterações|inalterado|invariato|senza modifiche|rimane|uguale|qui|es|é|è|está|resta))*`,
		`(?:código (?:existente|anterior)|codice (?:esistente|precedente))(?:\s+\pL+)?|sin cambios|sem alterações|senza modifiche|igual que antes|como antes|come prima|invariato|inalterado`,
		`(?:весь\s+)?(?:остальн\pL*|существующ\pL*|прежн\pL*)\s+(?:код|методы|функции|стили|часть|импорты|содержимое|логика)(?:\s+(?:файла|компонента))?(?:\s+(?:остаётся|остается|без изменений|не меняется|не изменился|прежн\pL*|как|было|раньше|тот же|здесь))*|без изменений|как (?:было|раньше)`,
		`(?:其余|其餘|其他|其它|剩余|剩餘|原有|现有|現有|以下|以上|此处|这里)?(?:的)?(?:代码|代碼|部分|内容|內容|逻辑|方法|函数|样式|文件)?(?:均|都|全部|保持|仍然|与之前|和之前|与原来)*(?:不变|不變|省略|相同|一致|同上|原样|无变化|未更改)|(?:其余|其餘|其他|剩余|原有|现有|現有)(?:的)?(?:代码|代碼|逻辑|方法|函数|样式)`,
		`(?:残りの?|既存の|その他の|以下の?)?(?:コード|処理|メソッド|関数|スタイル|部分|実装|内容)?(?:は|を|も)?(?:そのまま|変更なし|変更ありません|省略|同様|変わりません)(?:です)?|残りの(?:コード|処理|メソッド|関数|スタイル|部分|実装)|既存の(?:コード|処理|実装)`,
		`(?:此处|这里|以下|以上|中间)?省略(?:了)?(?:其他|其余|剩余|部分)?(?:的)?(?:代码|部分|内容|逻辑|方法|函数|样式)?|(?:以下|中|後|前)略`,
		`(?:reszta|pozostał\pL+)\s+(?:kodu|kod|pliku|metod\pL*|funkcj\pL*|styl\pL*)(?:\s+(?:bez zmian|pozostaje|taki|sam|jak|wcześniej))*|bez zmian|(?:zbytek|zbývající)\s+(?:kódu|kód|souboru)(?:\s+(?:beze změny|zůstává|stejný))*|решта\s+(?:коду|файлу)(?:\s+(?:без змін|залишається))*`,
		`(?:de\s+)?rest\s+van\s+(?:de|het)\s+(?:code|bestand|component|functies?|methoden|stijlen)(?:\s+(?:blijft|is|ongewijzigd|hetzelfde|gelijk|hier))*|(?:bestaande|overige)\s+(?:code|functies|methoden)|ongewijzigd`,
		`resten\s+a[vf]\s+(?:koden|filen|komponent\pL*)(?:\s+(?:är|er|forblir|förblir|oförändrad|uendret|uændret|samma|som før))*|(?:befintlig|eksisterende)\s+kode?|oförändra[dt]|uendret|uændret`,
		`(?:kodun|dosyanın)\s+(?:geri kalanı|kalanı)(?:\s+(?:aynı|değişmedi|kalıyor|kalacak|burada))*|(?:mevcut|kalan)\s+kod|değişmedi|(?:باقي|بقية)\s+(?:الكود|الشيفرة|الملف|الدوال)(?:\s+\pL+){0,3}|phần còn lại của\s+(?:mã|tệp|code|file)(?:\s+\pL+){0,3}|बाकी\s+(?:का\s+)?कोड(?:\s+\pL+){0,2}`,
		`(?:나머지|기존|이하)?\s*(?:코드|부분|내용|함수|메서드|스타일)?(?:는|은|를|을)?\s*(?:그대로|변경\s*없음|변경되지 않음|생략|동일|동일함|유지)|나머지 코드|기존 코드`,
	)

	stubs = exactly(
		`@?(?:TODO|FIXME|XXX|TBD)(?:\s*[:-].*| \w+\s*:.*)?`,
		`(?i:@?(?:todo|fixme|tbd)(?:\s*\([^)]*\))?\s*[:-]?\s*(?:implement|finish|complete|fill in|write (?:this|the)|fix (?:this|me)|later|add (?:the|this|real|actual|your|more|error|validation)|replace with|wire up|hook up)\b.*)`,
		`(?:TODO|FIXME)\s+(?i:implement|add|finish|fix|handle|complete|write|replace|remove|wire|hook|support|make|use|create|check|refactor|test|validate|load|save|show|call|fetch|render)\b.*`,
		`(?i:(?:please\s+)?(?:your|add|insert|put|place|write|more|paste|fill in|implement|additional|actual|real|the)?\s*(?:[\w'-]+\s+){0,4}?(?:code|logic|implementation|handling|functionality|styles|markup|content|details|functions?|methods?|rest)\s+(?:goes\s+|go\s+|comes\s+|to go\s+)?here)`,
		`(?i:fill in (?:the|your) (?:\w+ )?(?:details|rest|blanks?|code|logic|implementation|values?))`,
		`(?i:implement (?:me|this|here|later)(?: (?:later|here|properly|method|function|logic|part|feature))*|implementation (?:here|later|needed|required|pending|omitted|missing|goes here|to come|to follow)(?: .{0,40})?)`,
		`(?i:(?:to be|will be|not|not yet|needs? to be|must be|should be|yet to be)(?: yet)? implemented(?: .{0,30})?|(?:to be|will be) (?:done|completed|added|written|filled in|finished) later)`,
		`(?i:(?:a |just a |simple )?stub(?:bed)?(?: (?:for now|out|implementation|function|method|code|only|value))?)`,
		`(?i:(?:a |just a |simple )?(?:stub|placeholder|dummy)(?:bed)? (?:for now|implementation|function|method|code|only|for (?:the )?(?:real|actual|future)\b.{0,40}))`,
		`(?i:(?:same|similar)(?: code| logic| thing| pattern)?(?: as (?:above|before))? for (?:the |each |every |all )*(?:other|others|rest|remaining|each|every|all)\b.{0,40})`,
		`(?i:repeat (?:this |the same |above )?(?:pattern |code |block )?for (?:each|every|all|the other|other|remaining)\b.{0,30})`,
		`(?i:left (?:as an exercise|for (?:the )?(?:reader|later|you)).{0,40})`,
	)

	// Statements that refuse to do the work.
	stubCode = regexp.MustCompile(`(?i)\bthrow\s+(?:new\s+)?(?:\w*Error|\w*Exception)\s*\(\s*["'\x60](?:(?-i:TODO)\b|[^"'\x60]{0,30}\bnot (?:yet )?implemented(?:["'\x60.!:,;(-]| yet| here| for now)|implement me|unimplemented)` +
		`|\bthrow\s+new\s+NotImplemented\w*|\b(?:unimplemented|todo)!\s*\(|\bpanic\(\s*["'\x60](?:(?-i:TODO)\b|[^"'\x60]{0,20}not (?:yet )?implemented|implement me)|\bfatalError\(\s*"[^"]{0,20}not (?:yet )?implemented` +
		`|\b(?:console\.\w+|alert|print|echo)\s*\(?\s*["'\x60](?:(?-i:TODO|FIXME)\s*[:-]|[^"'\x60]{0,20}not (?:yet )?implemented)`)
	raiseStub = regexp.MustCompile(`(?i)^\s*raise\s+NotImplementedError\b\s*(?:\(\s*(?:["'][^"']*(?:not (?:yet )?implemented|todo|implement me)[^"']*["'])?\s*\))?\s*$`)
	filler    = regexp.MustCompile(`(?i)\blorem ipsum dolor\b`)
	examples  = regexp.MustCompile(`(?i)\.(?:test|spec|stories|story)\.|(?:^|/)(?:tests?|__tests__|fixtures|stories)/`)
	marker    = regexp.MustCompile(`(?i)\b(?:rest_?of_?(?:the_?)?(?:code|file|implementation)|existing_code|code_unchanged)\w*`)
	spread    = regexp.MustCompile(`^(?:\.{3}|…)[\w$({["'\x60]\S*[,;)\]}]*$`)
)

// wholly makes one expression of several for the whole of a comment's words, whatever their case.
func wholly(list ...string) *regexp.Regexp {
	return regexp.MustCompile(`^(?i:` + strings.Join(list, "|") + `)$`)
}

// exactly is the same where case counts.
func exactly(list ...string) *regexp.Regexp {
	return regexp.MustCompile(`^(?:` + strings.Join(list, "|") + `)$`)
}

// commentWords is the words of a comment: without the signs that adorn it. dots tells whether three dots stand before them.
func commentWords(text string) (words string, dots bool) {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return r == ' ' || r == '\t' || r == '\n' || r == '\r' || strings.ContainsRune("*()[]", r)
	}), " ")
	words = strings.Trim(text, " \t/*#!<>[](){}=~_-–—`'\"|+.…,;:%")
	before := text[:strings.Index(text, words)]
	return words, strings.Contains(before, "..") || strings.Contains(before, "…")
}

// maxElision is how long a comment can be, in bytes, that is nothing but an elision.
const maxElision = 200

// isElision tells words that stand in the place of what was left out.
func isElision(text string, alone bool) bool {
	if len(text) > maxElision {
		return false
	}
	if dotsAlone.MatchString(text) {
		return alone
	}
	words, dots := commentWords(text)
	switch {
	case words == "":
		return false
	case dots && afterDots.MatchString(words), alone && dotsBehind.MatchString(text) && beforeDots.MatchString(words):
		return true
	case !alone && !dots:
		return false
	}
	return elisions.MatchString(words) || foreign.MatchString(words)
}

// mayElide tells words of a comment that can stand for code that was left out, or above code that they describe. Of what describes by its
// form, as /** does, they are a description.
func mayElide(text, line string) bool {
	if len(text) > maxElision || strings.HasPrefix(line, "/**") || strings.HasPrefix(line, "///") {
		return false
	}
	words, _ := commentWords(text)
	return doubtful.MatchString(words)
}

// isStub tells words that put the work off.
func isStub(text string, alone bool) bool {
	words, _ := commentWords(text)
	if !alone && (strings.EqualFold(words, "placeholder") || strings.EqualFold(words, "dummy")) {
		return true
	}
	return len(words) <= 2*maxElision && stubs.MatchString(words) && !forOthers.MatchString(words)
}

// forOthers tells what is said to those who build on a class.
var forOthers = regexp.MustCompile(`(?i)\b(?:by|in) (?:the |a |its )?(?:subclass|concrete|derived|caller|client|child|implement)|\boverrid|\bimplemented (?:by|in|on) (?:jsdom|happy-dom|node|deno|bun|safari|webkit|firefox|chrom\w*|(?:some |all |older |this |the |every )*browsers?)\b`)

// isRemark tells what, among other lines of comment, is a part of them: dots in an example, the last words of a sentence.
func isRemark(text string) bool {
	words, dots := commentWords(text)
	return dotsAlone.MatchString(text) || !dots && strings.Count(words, " ") < 2 && !stubs.MatchString(words)
}

// standsInBlock tells a line of comment that is one of several.
func standsInBlock(lines []string, n int) bool {
	return slices.ContainsFunc([]string{lineOf(lines, n-1), lineOf(lines, n+1)}, func(line string) bool {
		return slices.ContainsFunc(commentMarks, func(m string) bool { return strings.HasPrefix(line, m) })
	})
}

// commentMarks begin a comment in some language; a line that begins with one is looked at in all.
var commentMarks = []string{"//", "/*", "{/*", "<!--", "#", "--", "{#", "(*", ";", "%"}

// findPlaceholders looks at what a job wrote: comments, lines and bodies that were not there before. elided tells those that stand in the
// place of code that was left out, which nobody can have meant.
func findPlaceholders(t *tree) (elided, stubbed []diagnostic) {
	old := t.touchedLines()
	for _, c := range t.changes() {
		if !c.Delete {
			e, s := placeholdersIn(c.Path, codeforge.TextOf(t.base[c.Path]), c.Content, old)
			elided, stubbed = append(elided, e...), append(stubbed, s...)
		}
	}
	return elided[:min(len(elided), maxDiagnostics)], stubbed[:min(len(stubbed), maxDiagnostics)]
}

// placeholdersIn looks at one file, in which lines that stand in old count for nothing.
func placeholdersIn(p, was, text string, old map[string]bool) (elided, stubbed []diagnostic) {
	text = unified(text)
	lines := strings.Split(text, "\n")
	seen := map[int]bool{}
	note := func(list *[]diagnostic, line int, says string) {
		if !seen[line] {
			seen[line] = true
			*list = append(*list, objection(guardPlaceholder, p, line, fmt.Sprintf("%s: %s; write the complete code", says, form.Quote(lineOf(lines, line)))))
		}
	}
	const left, stands = "a placeholder stands where code was left out", "a placeholder stands where code should"
	inside := map[int]bool{} // lines of long comments
	for _, cm := range comments(p, text) {
		for n := range strings.Count(cm.text, "\n") {
			inside[cm.line+n], inside[cm.line+n+1] = true, true
		}
		switch {
		case old[lineOf(lines, cm.line)], isRemark(cm.text) && standsInBlock(lines, cm.line):
		case isElision(cm.text, cm.alone):
			note(&elided, cm.line, left)
		case cm.alone && mayElide(cm.text, lineOf(lines, cm.line)):
			note(&stubbed, cm.line, left)
		case isStub(cm.text, cm.alone):
			note(&stubbed, cm.line, stands)
		case strings.Contains(cm.text, "\n"):
			n := cm.line
			for line := range strings.SplitSeq(cm.text, "\n") { // of a long comment, one that stands for itself
				if isElision(line, false) || isStub(line, true) {
					note(&stubbed, n, stands)
				}
				n++
			}
		}
	}
	for i, line := range lines {
		trimmed := strings.TrimSpace(line)
		if trimmed == "" || len(line) > 2_000 || old[trimmed] || isProse(p) || inside[i+1] {
			continue
		}
		marked := slices.ContainsFunc(commentMarks, func(m string) bool { return strings.HasPrefix(trimmed, m) })
		switch {
		case marked && isRemark(trimmed) && standsInBlock(lines, i+1):
		case marked && isElision(trimmed, true), isElidedLine(p, trimmed), trimmed == "..." && strings.HasSuffix(p, ".py") && !isPythonBody(lines, i), holds(line, "rest", "Rest", "existing_code", "code_unchanged") && marker.MatchString(line):
			note(&elided, i+1, left)
		case marked && mayElide(trimmed, trimmed):
			note(&stubbed, i+1, left)
		case marked && isStub(trimmed, true), holds(line, "mplement", "TODO", "FIXME", "todo!") && stubCode.MatchString(line), holds(line, "NotImplementedError") && raiseStub.MatchString(line) && !isAbstract(lines, i),
			holds(line, "psum") && filler.MatchString(line) && !examples.MatchString(p):
			note(&stubbed, i+1, stands)
		}
	}
	empty := emptied(p, unified(was), text)
	for _, name := range slices.Sorted(maps.Keys(empty)) {
		note(&stubbed, empty[name], fmt.Sprintf("the body of %s is empty, which it was not", form.Quote(name)))
	}
	return elided, stubbed
}

// holds reports whether a text holds one of some words, which is much cheaper than an expression.
func holds(text string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

// isElidedLine tells a line that is no comment and nothing but three dots with or without words. Python's ellipsis is a statement, YAML's
// the end of a document, and dots before a name spread it.
func isElidedLine(p, line string) bool {
	if ext := strings.ToLower(path.Ext(p)); ext == ".py" || ext == ".pyi" || (strings.HasPrefix(ext, ".htm") || strings.HasPrefix(ext, ".y")) && dotsAlone.MatchString(line) {
		return false
	}
	if strings.IndexByte("<[(", line[0]) >= 0 && strings.IndexByte(">])", line[len(line)-1]) >= 0 && strings.Contains(line, " ") && !strings.ContainsAny(line, ";={}$,\"'") {
		return isElision(line, true)
	}
	if strings.HasPrefix(line, "...") || strings.HasPrefix(line, "…") || strings.HasPrefix(line, "[...") || strings.HasPrefix(line, "[…") || strings.HasPrefix(line, "<...") {
		return !spread.MatchString(line) && !strings.ContainsAny(line, ";={}$") && isElision(line, true)
	}
	return false
}

// isPythonBody reports whether a line is the first of a body, or what follows its description: there three dots are a statement.
func isPythonBody(lines []string, at int) bool {
	for i := at - 1; i >= 0; i-- {
		if line := strings.TrimSpace(lines[i]); line != "" && !strings.HasPrefix(line, "#") {
			return strings.HasSuffix(line, ":") || strings.HasSuffix(line, `"""`) || strings.HasSuffix(line, `'''`)
		}
	}
	return false
}

var abstract = regexp.MustCompile(`(?i)@abstract|@overload|\bABC\b|Protocol|Abstract|\bBase\b|subclass`)

// isAbstract reports whether a line of Python stands in what others are meant to fill: a class or method that says so above it.
func isAbstract(lines []string, at int) bool {
	for i := at; i >= max(0, at-200); i-- {
		if line := strings.TrimSpace(lines[i]); abstract.MatchString(line) {
			return true
		} else if strings.HasPrefix(line, "class ") {
			return abstract.MatchString(line)
		}
	}
	return false
}

// bodies counts the bodies of functions, or rules, of one name.
type bodies struct {
	empty, full int
	line        int // of the last empty one
}

var (
	bodyName   = regexp.MustCompile(`(?:\bfunction\s*\*?\s+([\w$]+)|\b(?:const|let|var)\s+([\w$]+)\s*(?::[^={]+)?=|\b(?:func|fn|fun)\s+(?:\([^)]*\)\s*)?([\w$]+)|([\w$#]+)\s*(?:=\s*(?:async\s*)?|:\s*(?:async\s*)?(?:function\s*)?)?\([^(){}]*\))[^{}=]*(?:=>\s*)?$`)
	pythonDef  = regexp.MustCompile(`(?m)^[ \t]*(?:async\s+)?def\s+(\w+)\s*\(`)
	pythonPass = regexp.MustCompile(`(?m)^[ \t]*(?:async\s+)?def\s+(\w+)\s*\([^)]*\)[^:\n]*:[ \t]*(?:\n(?:[ \t]*\n)*[ \t]+)?(?:pass|\.\.\.|return None)[ \t]*(?:#[^\n]*)?$`)
	blankCode  = regexp.MustCompile(`^(?:\s|//[^\n]*(?:\n|$)|/\*(?:[^*]|\*[^/])*\*/)*$`)
)

// noNames stand before what is no function's body.
var noNames = []string{"if", "for", "while", "switch", "catch", "return", "else", "do", "try", "function", "constructor"}

// bodiesOf counts the bodies in a file by the name that stands before them.
func bodiesOf(p, text string) map[string]*bodies {
	found := map[string]*bodies{}
	of := func(name string) *bodies {
		if found[name] == nil {
			found[name] = &bodies{}
		}
		return found[name]
	}
	ext := strings.ToLower(path.Ext(p))
	if ext == ".py" {
		for _, m := range pythonDef.FindAllStringSubmatch(text, -1) {
			of(m[1]).full++
		}
		for _, m := range pythonPass.FindAllStringSubmatchIndex(text, -1) {
			b := of(text[m[2]:m[3]])
			b.full, b.empty, b.line = b.full-1, b.empty+1, 1+strings.Count(text[:m[2]], "\n")
		}
		return found
	}
	if isProse(p) || ext == ".json" {
		return nil
	}
	isStyle := ext == ".css" || ext == ".scss" || ext == ".less"
	for i := strings.IndexByte(text, '{'); i >= 0; {
		head := text[max(0, i-300):i]
		head = strings.TrimRight(head[strings.LastIndexAny(head, ";}{\n")+1:], " \t")
		name := strings.TrimSpace(head)
		if !isStyle {
			name = ""
			if m := bodyName.FindStringSubmatch(head); m != nil {
				name = m[1] + m[2] + m[3] + m[4]
			}
		}
		rest := text[i+1:]
		if name != "" && !slices.Contains(noNames, name) {
			b := of(name)
			if end := strings.IndexAny(rest, "{}"); end >= 0 && rest[end] == '}' && blankCode.MatchString(rest[:end]) {
				b.empty, b.line = b.empty+1, 1+strings.Count(text[:i], "\n")
			} else {
				b.full++
			}
		}
		next := strings.IndexByte(rest, '{')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return found
}

// emptied are the names of bodies that are empty now and were not, with their lines.
func emptied(p, was, is string) map[string]int {
	if was == "" {
		return nil
	}
	before, lines := bodiesOf(p, was), map[string]int{}
	for name, now := range bodiesOf(p, is) {
		if old := before[name]; old != nil && now.empty > old.empty && now.full < old.full {
			lines[name] = now.line
		}
	}
	return lines
}
