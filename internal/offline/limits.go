package offline

import "regexp"

// limits are wishes that no app of this model fulfils: it runs in one browser, without a server.
var limits = []struct {
	form *regexp.Regexp
	name string
}{
	{regexp.MustCompile(`(?i)\b(?:remind(?:s|er|ers|ing)?|notif(?:y|ies|ications?)|alerts?|push messages?|erinner\w*|recordatorios?|rappels?)\b`), "reminders that reach people while the app is closed"},
	{regexp.MustCompile(`(?i)\b(?:log ?ins?|sign ?ups?|sign ?ins?|user accounts?|accounts for|authentication|multi-?user|registrier\w*|anmeldung)\b`), "accounts and logins"},
	{regexp.MustCompile(`(?i)\b(?:real-?time|collaborat\w*|shared? (?:with|between|among)|share (?:it|them|lists?|boards?)|sync(?:s|ed|hroni[sz]\w*)? (?:between|across|with)|multiplayer|chat|messaging)\b`), "sharing between people or devices"},
	{regexp.MustCompile(`(?i)\b(?:take (?:online )?orders|online (?:orders?|ordering|booking|shop|store|payments?)|accept payments?|checkout|stripe|paypal|credit cards? payments?|e-?commerce)\b`), "online orders and payments"},
	{regexp.MustCompile(`(?i)\b(?:google maps|on a map|map view|gps|geolocation|live location)\b`), "maps"},
	{regexp.MustCompile(`(?i)\b(?:photos? of|with (?:photos?|pictures?|images?)|upload (?:photos?|pictures?|images?|files?)|camera|barcode|scan(?:ner|ning)?|attachments?)\b`), "pictures and files: a link can stand for one"},
	{regexp.MustCompile(`(?i)\b(?:chatgpt|gpt|llm|openai|ai[- ](?:powered|based|generated|suggest\w*|assist\w*)|artificial intelligence|machine learning)\b`), "artificial intelligence inside the app"},
	{regexp.MustCompile(`(?i)\b(?:live (?:rates?|prices?|scores?|weather|data)|stock prices?|weather forecast|from (?:an|the) api|scrap(?:e|es|ing)|current (?:exchange )?rates?|real (?:exchange )?rates)\b`), "data from the internet"},
	{regexp.MustCompile(`(?i)\b(?:send (?:emails?|sms|messages|texts?)|emails? (?:them|customers|clients|invoices)|newsletter to|whatsapp|telegram|by email)\b`), "sending messages"},
	{regexp.MustCompile(`(?i)\b(?:pdfs?|print(?:able|ing)?)\b`), "PDF files: the browser's own print can make them"},
	{regexp.MustCompile(`(?i)\b(?:passwords?)\b`), "safe keeping of passwords: use a password manager, and keep only the accounts here"},
	{regexp.MustCompile(`(?i)\b(?:google calendar|ical|outlook|google sheets|google drive|dropbox|notion|slack|apple health|fitbit|strava|spotify) (?:sync|integration|import|export)|\b(?:sync|integrate|connect)\w* (?:it )?(?:with|to) (?:google|outlook|slack|notion|strava|fitbit|spotify|dropbox|apple)\b`), "connections to other services"},
	{regexp.MustCompile(`(?i)\b(?:native app|ios app|android app|app store|play store|iphone app)\b`), "an app for a store: it runs in the browser of a phone"},
}

// lacksOf names what an idea asks for and no app of this model has, each once.
func lacksOf(text string) []string {
	var out []string
	for _, l := range limits {
		if l.form.MatchString(text) {
			out = append(out, l.name)
		}
	}
	return out
}
