package offline

import "regexp"

// limits are wishes that no app of this model fulfils: it runs in one browser, without a server.
var limits = []struct {
	form *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`(?i)\b(?:remind(?:s|er|ers|ing)?|notif(?:y|ies|ications?)|alerts?|push messages?|erinner\w*|recordatorios?|rappels?)\b`), "reminders that reach people while the app is closed"},
	{regexp.MustCompile(`(?i)\b(?:log ?ins?|(?:users?|with|and|email) sign[- ]?ups?|sign ?ins?|user accounts?|accounts for|authentication|multi-?user|registrier\w*|anmeldung)\b`), "accounts and logins"},
	{regexp.MustCompile(`(?i)\b(?:real-?time|collaborat\w*|shared? (?:with|between|among)|share (?:it|them|lists?|boards?)|sync(?:s|ed|hroni[sz]\w*)? (?:between|across|with)|multiplayer|chat|messaging)\b`), "sharing between people or devices"},
	{regexp.MustCompile(`(?i)\b(?:take (?:online )?orders|online (?:orders?|ordering|booking|shop|store|payments?)|accept payments?|checkout|stripe|paypal|credit cards? payments?|e-?commerce)\b`), "online orders and payments"},
	{regexp.MustCompile(`(?i)\b(?:google maps|on a map|map view|gps|geolocation|live location)\b`), "maps"},
	{regexp.MustCompile(`(?i)\b(?:photos? of|with (?:photos?|pictures?|images?)|upload (?:photos?|pictures?|images?|files?)|camera|barcode|scan(?:ner|ning)?|attachments?)\b`), "pictures and files: a link can stand for one"},
	{regexp.MustCompile(`(?i)\b(?:chatgpt|gpt|llm|openai|ai[- ](?:powered|based|generated|suggest\w*|assist\w*)|artificial intelligence|machine learning)\b`), "artificial intelligence inside the app"},
	{regexp.MustCompile(`(?i)\b(?:weather (?:app|dashboard|station|widget)|^\W*weather\W*$|news (?:app|reader|feed)|crypto (?:prices?|ticker)|stock market|flight status)\b`), "data from the internet"},
	{regexp.MustCompile(`(?i)\b(?:(?:instagram|facebook|twitter|tiktok|snapchat|reddit|tinder|airbnb|uber|linkedin|discord|youtube|netflix|spotify|amazon|ebay|etsy|pinterest) (?:clone|like app|style app|copy)|(?:clone of|like|similar to) (?:instagram|facebook|twitter|tiktok|snapchat|reddit|tinder|airbnb|uber|linkedin|discord|youtube|netflix|spotify|amazon|ebay|etsy|pinterest|whatsapp)|social (?:network|media app)|dating app|marketplace)\b`), "other people: what is entered stays with who enters it"},
	{regexp.MustCompile(`(?i)\b(?:(?:music|video|audio|mp3|podcast|media) player|streaming)\b`), "music and films themselves"},
	{regexp.MustCompile(`(?i)\b(?:several|multiple|many|two|three|different) timers\b`), "several timers at once: one runs at a time"},
	{regexp.MustCompile(`(?i)\b(?:whiteboard|(?:drawing|paint|sketch\w*|painting) (?:app|pad|board|tool|program))\b`), "drawing itself: it keeps what was drawn"},
	{regexp.MustCompile(`(?i)\b(?:(?:voice|audio|sound|screen|video) record(?:er|ing)s?|(?:photo|video|image|audio|music) (?:editor|editing))\b`), "recording and editing sound, pictures and films: it keeps what there is of them"},
	{regexp.MustCompile(`(?i)\b(?:uber|airbnb|tinder|amazon|ebay) for\b`), "other people: what is entered stays with who enters it"},
	{regexp.MustCompile(`(?i)\bqr[- ]?codes?\b`), "QR codes: it keeps what they would say"},
	{regexp.MustCompile(`(?i)\b(?:book(?:ing)? (?:website|site|page|portal|system)|(?:website|site|page) (?:for|to) book(?:ing)?)\b`), "booking by visitors themselves"},
	{regexp.MustCompile(`(?i)\b(?:live (?:rates?|prices?|scores?|weather|data)|stock prices?|weather forecast|from (?:an|the) api|scrap(?:e|es|ing)|current (?:exchange )?rates?|real (?:exchange )?rates)\b`), "data from the internet"},
	{regexp.MustCompile(`(?i)\b(?:send (?:emails?|sms|messages|texts?)|emails? (?:them|customers|clients|invoices)|newsletter to|whatsapp|telegram|by email)\b`), "sending messages"},
	{regexp.MustCompile(`(?i)\b(?:pdfs?|print(?:able|ing)?)\b`), "PDF files: the browser's own print can make them"},
	{regexp.MustCompile(`(?i)\bpasswords?\b`), passwordLimit},
	{regexp.MustCompile(`(?i)\b(?:google calendar|ical|outlook|google sheets|google drive|dropbox|notion|slack|apple health|fitbit|strava|spotify) (?:sync|integration|import|export)|\b(?:sync|integrate|connect)\w* (?:it )?(?:with|to) (?:google|outlook|slack|notion|strava|fitbit|spotify|dropbox|apple)\b`), "connections to other services"},
	{regexp.MustCompile(`(?i)\b(?:native app|ios app|android app|app store|play store|iphone app)\b`), "an app for a store: it runs in the browser of a phone"},
}

// printed3D speaks of things that are made, not of paper.
var printed3D = regexp.MustCompile(`(?i)\b3-?d[- ]print\w*`)

const passwordLimit = "safe keeping of passwords: use a password manager, and keep only the accounts here"

// lacksOf names what an idea asks for and no app of this model has, each once.
func lacksOf(text string) []string {
	var out []string
	text = printed3D.ReplaceAllString(text, "")
	for _, l := range limits {
		if l.form.MatchString(text) {
			out = append(out, l.name)
		}
	}
	return out
}
