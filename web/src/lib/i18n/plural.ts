/** The form of a noun that goes with a number, by the language's own rules: Arabic has six, English two. */
type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

/** `plural("en")(1, { one: "# message", other: "# messages" })` → "1 message"; # is the number as it is written there. */
export function plural(language: string): (count: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(language);
  const digits = new Intl.NumberFormat(language);
  return (count, forms) => (forms[rules.select(count)] ?? forms.other).replace("#", digits.format(count));
}
