package offline

import (
	"slices"
	"strings"
	"sync"
)

// unitNames are the units of converters as people write them, in the singular: quantity and name as templates/parts/units.ts has
// them, and words with commas between. A word that stands in several quantities means that of the unit it is converted to.
var unitNames = sync.OnceValue(func() map[string]map[string]string {
	out := map[string]map[string]string{}
	for line := range strings.SplitSeq(`length cm: centimeter, centimetre, cm, zentimeter, centímetro, centimètre
length in: inch, in, zoll, pulgada, pouce
length mm: millimeter, millimetre, mm
length m: meter, metre, m, metro, mètre
length km: kilometer, kilometre, km, kms, kilómetro, kilomètre
length ft: foot, ft, fuß, pie, pied
length yd: yard, yd
length mi: mile, mi, meile, meilen, milla
length nmi: nautical mile
mass kg: kilogram, kilo, kg, kgs, kilogramm, kilogramo, kilogramme
mass lb: pound, lb, lbs, pfund, libra, livre
mass g: gram, g, gramm, gramo, gramme
mass mg: milligram, mg
mass t: tonne, ton, metric ton
mass oz: ounce, oz, unze, onza, once
mass st: stone
temperature C: celsius, c, centigrade, degree celsius
temperature F: fahrenheit, f, degree fahrenheit
temperature K: kelvin
volume l: liter, litre, l, litro
volume gal: gallon, gal, us gallon
volume igal: imperial gallon, uk gallon
volume ml: milliliter, millilitre, ml
volume pt: pint
volume qt: quart
volume floz: fluid ounce, fl oz, floz, ounce, oz
volume m3: cubic meter, cubic metre
speed kmh: kmh, kph, km/h, kilometer per hour, kilometre per hour
speed mph: mph, mile per hour
speed ms: meter per second, metre per second
speed kn: knot
area m2: square meter, square metre, sqm, m2, quadratmeter
area sqft: square foot, sqft, sq ft
area ha: hectare, hektar
area ac: acre
area km2: square kilometer, square kilometre
area sqmi: square mile
data MB: megabyte, mb
data GB: gigabyte, gb
data TB: terabyte, tb
data kB: kilobyte, kb
data B: byte
data bit: bit
time h: hour, hr, stunde, stunden
time min: minute, min, minuten
time s: second, sec, sekunde, sekunden
time d: day
time wk: week
time mo: month
time y: year
pressure bar: bar
pressure psi: psi
pressure Pa: pascal
pressure atm: atmosphere
pressure kPa: kpa, kilopascal
energy kcal: calorie, kcal, kilocalorie
energy kJ: kilojoule, kj
energy J: joule
energy kWh: kwh, kilowatt-hour
energy BTU: btu
cooking cup: cup
cooking g: gram, g
cooking tbsp: tablespoon, tbsp
cooking tsp: teaspoon, tsp
cooking ml: milliliter, millilitre, ml
cooking l: liter, litre
cooking floz: fluid ounce
cooking oz: ounce, oz
cooking lb: pound, lb
cooking kg: kilogram, kg
currency USD: dollar, usd, us dollar, dólar
currency EUR: euro, eur
currency GBP: pound, gbp, pound sterling
currency JPY: yen, jpy
currency CHF: franc, chf, swiss franc, franken
currency CAD: cad, canadian dollar
currency AUD: aud, australian dollar
currency INR: rupee, inr`, "\n") {
		head, names, _ := strings.Cut(line, ": ")
		quantity, unit, _ := strings.Cut(head, " ")
		for name := range strings.SplitSeq(names, ", ") {
			if out[name] == nil {
				out[name] = map[string]string{}
			}
			out[name][quantity] = unit
		}
	}
	return out
})

// converted are words between two units that ask for the second from the first; beside is what may stand between them where a
// word for a converter stands too.
var (
	converted = wordSet("to into 2 nach vers à")
	beside    = wordSet("and in a en und y et or ,")
)

// unitPair finds a conversion that begins at a place among words in the singular, "miles to kilometers": the part with the units as
// its topic, and how many words that takes.
func unitPair(words []string, at int) (part, int) {
	from, n := unitAt(words, at)
	if from == nil || at+n >= len(words) {
		return part{}, 0
	}
	asks := slices.ContainsFunc(words, func(w string) bool { return cues[converterPart][w] })
	if between := words[at+n]; !converted[between] && !(asks && beside[between]) && !(between == "in" && from["time"] == "") {
		return part{}, 0
	}
	to, m := unitAt(words, at+n+1)
	for _, quantity := range []string{"length", "mass", "temperature", "volume", "speed", "area", "data", "pressure", "energy", "cooking", "currency", "time"} {
		if from[quantity] != "" && to[quantity] != "" && from[quantity] != to[quantity] {
			return part{Kind: converterPart, Of: quantity, Topic: from[quantity] + " " + to[quantity]}, n + 1 + m
		}
	}
	return part{}, 0
}

// unitAt is what the words at a place name as a unit, by quantity, and how many words that takes.
func unitAt(words []string, at int) (map[string]string, int) {
	for n := min(3, len(words)-at); n > 0; n-- {
		if unit := unitNames()[strings.Join(words[at:at+n], " ")]; unit != nil {
			return unit, n
		}
	}
	return nil, 0
}
