import { t } from "../lib/text";

export interface Unit {
  readonly name: string;
  readonly label: string;
  /** How much of the base one of it is. */
  readonly factor?: number;
  /** What is added before that: scales of temperature do not begin at the same point. */
  readonly offset?: number;
  /** It weighs, where the base is a volume: what of decides. */
  readonly weighs?: boolean;
}

export interface Quantity {
  readonly label: string;
  readonly units: readonly Unit[];
}

const unit = (name: string, label: string, factor: number, offset = 0): Unit => ({ name, label, factor, offset });

/** The first two units of each are those to begin with. */
export const quantities: Readonly<Record<string, Quantity>> = {
  length: {
    label: t("Length"),
    units: [
      unit("cm", t("centimetres"), 0.01), unit("in", t("inches"), 0.0254), unit("mm", t("millimetres"), 0.001), unit("m", t("metres"), 1), unit("km", t("kilometres"), 1000),
      unit("ft", t("feet"), 0.3048), unit("yd", t("yards"), 0.9144), unit("mi", t("miles"), 1609.344), unit("nmi", t("nautical miles"), 1852),
    ],
  },
  mass: {
    label: t("Weight"),
    units: [
      unit("kg", t("kilograms"), 1), unit("lb", t("pounds"), 0.45359237), unit("g", t("grams"), 0.001), unit("mg", t("milligrams"), 0.000001), unit("t", t("tonnes"), 1000),
      unit("oz", t("ounces"), 0.028349523125), unit("st", t("stones"), 6.35029318),
    ],
  },
  temperature: {
    label: t("Temperature"),
    units: [unit("C", t("degrees Celsius"), 1), unit("F", t("degrees Fahrenheit"), 5 / 9, -32), unit("K", t("kelvins"), 1, -273.15)],
  },
  volume: {
    label: t("Volume"),
    units: [
      unit("l", t("litres"), 1), unit("gal", t("US gallons"), 3.785411784), unit("ml", t("millilitres"), 0.001), unit("m3", t("cubic metres"), 1000), unit("igal", t("imperial gallons"), 4.54609),
      unit("pt", t("US pints"), 0.473176473), unit("qt", t("US quarts"), 0.946352946), unit("floz", t("US fluid ounces"), 0.0295735295625),
    ],
  },
  speed: {
    label: t("Speed"),
    units: [unit("kmh", t("kilometres per hour"), 1 / 3.6), unit("mph", t("miles per hour"), 0.44704), unit("ms", t("metres per second"), 1), unit("kn", t("knots"), 1852 / 3600), unit("fts", t("feet per second"), 0.3048)],
  },
  area: {
    label: t("Area"),
    units: [
      unit("m2", t("square metres"), 1), unit("sqft", t("square feet"), 0.09290304), unit("ha", t("hectares"), 10_000), unit("ac", t("acres"), 4046.8564224), unit("km2", t("square kilometres"), 1e6),
      unit("sqmi", t("square miles"), 2_589_988.110336), unit("cm2", t("square centimetres"), 0.0001), unit("sqin", t("square inches"), 0.00064516),
    ],
  },
  data: {
    label: t("Data"),
    units: [
      unit("MB", t("megabytes"), 8e6), unit("GB", t("gigabytes"), 8e9), unit("bit", t("bits"), 1), unit("B", t("bytes"), 8), unit("kB", t("kilobytes"), 8000), unit("TB", t("terabytes"), 8e12),
      unit("KiB", t("kibibytes"), 8 * 1024), unit("MiB", t("mebibytes"), 8 * 1024 ** 2), unit("GiB", t("gibibytes"), 8 * 1024 ** 3), unit("Mbit", t("megabits"), 1e6),
    ],
  },
  time: {
    label: t("Time"),
    units: [
      unit("h", t("hours"), 3600), unit("min", t("minutes"), 60), unit("s", t("seconds"), 1), unit("msec", t("milliseconds"), 0.001), unit("d", t("days"), 86_400), unit("wk", t("weeks"), 604_800),
      unit("mo", t("months of 30.44 days"), 2_629_746), unit("y", t("years of 365.24 days"), 31_556_952),
    ],
  },
  pressure: {
    label: t("Pressure"),
    units: [unit("bar", t("bars"), 100_000), unit("psi", t("pounds per square inch"), 6894.757293168), unit("Pa", t("pascals"), 1), unit("hPa", t("hectopascals"), 100), unit("kPa", t("kilopascals"), 1000), unit("atm", t("atmospheres"), 101_325), unit("mmHg", t("millimetres of mercury"), 133.322387415)],
  },
  energy: {
    label: t("Energy"),
    units: [unit("kcal", t("kilocalories"), 4184), unit("kJ", t("kilojoules"), 1000), unit("J", t("joules"), 1), unit("kWh", t("kilowatt-hours"), 3.6e6), unit("Wh", t("watt-hours"), 3600), unit("BTU", t("British thermal units"), 1055.05585262), unit("eV", t("electronvolts"), 1.602176634e-19)],
  },
  cooking: {
    label: t("Cooking"),
    units: [
      unit("cup", t("cups"), 236.5882365), { name: "g", label: t("grams"), factor: 1, weighs: true }, unit("tbsp", t("tablespoons"), 14.78676478125), unit("tsp", t("teaspoons"), 4.92892159375), unit("ml", t("millilitres"), 1), unit("l", t("litres"), 1000),
      unit("floz", t("fluid ounces"), 29.5735295625), { name: "oz", label: t("ounces"), factor: 28.349523125, weighs: true }, { name: "lb", label: t("pounds"), factor: 453.59237, weighs: true }, { name: "kg", label: t("kilograms"), factor: 1000, weighs: true },
    ],
  },
  currency: {
    label: t("Currency"),
    units: [
      { name: "USD", label: t("US dollars (USD)") }, { name: "EUR", label: t("euros (EUR)") }, { name: "GBP", label: t("pounds sterling (GBP)") }, { name: "JPY", label: t("yen (JPY)") },
      { name: "CHF", label: t("Swiss francs (CHF)") }, { name: "CAD", label: t("Canadian dollars (CAD)") }, { name: "AUD", label: t("Australian dollars (AUD)") }, { name: "INR", label: t("rupees (INR)") },
    ],
  },
};

const symbols: Readonly<Record<string, string>> = {
  C: "°C", F: "°F", m3: "m³", igal: "imp gal", floz: "fl oz", kmh: "km/h", ms: "m/s", fts: "ft/s", msec: "ms", m2: "m²", sqft: "sq ft", km2: "km²", sqmi: "sq mi", cm2: "cm²", sqin: "sq in",
};

/** A unit's symbol, which is the same for one and for many. */
export function symbolOf(name: string): string {
  return symbols[name] ?? name;
}

/** Examples, for one US dollar: a page without a network cannot know today's. */
export const rates: Record<string, string> = { USD: "1", EUR: "0.92", GBP: "0.79", JPY: "150", CHF: "0.88", CAD: "1.36", AUD: "1.52", INR: "83" };

export const ingredients: readonly { readonly name: string; readonly label: string; readonly gramsPerMillilitre: number }[] = [
  { name: "water", label: t("Water or milk"), gramsPerMillilitre: 1 },
  { name: "flour", label: t("Flour"), gramsPerMillilitre: 0.53 },
  { name: "sugar", label: t("Sugar"), gramsPerMillilitre: 0.85 },
  { name: "powdered-sugar", label: t("Powdered sugar"), gramsPerMillilitre: 0.51 },
  { name: "butter", label: t("Butter"), gramsPerMillilitre: 0.96 },
  { name: "oil", label: t("Oil"), gramsPerMillilitre: 0.92 },
  { name: "honey", label: t("Honey"), gramsPerMillilitre: 1.42 },
  { name: "rice", label: t("Rice"), gramsPerMillilitre: 0.85 },
  { name: "oats", label: t("Rolled oats"), gramsPerMillilitre: 0.38 },
  { name: "cocoa", label: t("Cocoa"), gramsPerMillilitre: 0.42 },
  { name: "salt", label: t("Salt"), gramsPerMillilitre: 1.2 },
];
